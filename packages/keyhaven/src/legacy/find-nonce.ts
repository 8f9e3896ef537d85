/**
 * Finds the nonce of an AES-256-GCM ciphertext that was stored without it, by the known beginning of its plaintext.
 *
 * With a 12-byte nonce, GCM encrypts its first block with E(key, nonce ‖ 00000002) (NIST SP 800-38D, section 7.1). So
 * D(key, ciphertext xor plaintext) of the first block is the nonce and that counter, and a wrong guess at the plaintext's
 * unknown characters gives other last four bytes, but for one in 2^32.
 *
 * WebCrypto has no single blocks. AES-CBC decrypts many in one call, and xor with the block before undoes the chaining;
 * the padding that it insists on is a block more, which encrypting nothing with the last block as iv gives.
 */
import { KeyhavenError } from '../errors.ts'

const BLOCK = 16
const WORD = 4
const NONCE_LENGTH = 12
/** The counter of the first block, as the last four bytes of its input. */
const COUNTER = new Uint32Array(Uint8Array.of(0, 0, 0, 2).buffer)[0]
/** As many candidates go into one call; a megabyte. */
const MOST_AT_ONCE = 65_536

/** A beginning of 16 bytes: a known text, then characters of an alphabet, all of them ASCII. */
export interface KnownBeginning {
  readonly text: string
  readonly alphabet: string
}

/** Work that can be watched, in candidates, and stopped with `ERR_ABORTED`. */
export interface SearchOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
}

/** Gives every nonce that fits, one after another: of a wrong one the tag will say so. */
export async function* findNonces(
  input: SearchOptions & {
    readonly key: Uint8Array
    /** The first 16 bytes of the ciphertext. */
    readonly firstBlock: Uint8Array
    readonly beginning: KnownBeginning
  },
): AsyncGenerator<Uint8Array> {
  const { signal, onProgress } = input
  const { blocks, heads } = makeCandidates(input.beginning, input.firstBlock)
  const key = await importBlockKey(input.key)
  const count = blocks.length / BLOCK
  const total = heads.length * count
  for (const [index, head] of heads.entries()) {
    if (signal?.aborted === true) throw new KeyhavenError('ERR_ABORTED', undefined)
    setHead(blocks, head)
    for (const at of await findCounters(key, blocks)) yield await decryptBlock(key, blocks, at)
    onProgress?.({ done: (index + 1) * count, total })
  }
}

/**
 * Candidates for ciphertext xor plaintext: all endings of the last four characters at most, and apart from them the
 * values of the four bytes before, which alone differ from one call to the next.
 */
function makeCandidates(
  { text, alphabet }: KnownBeginning,
  firstBlock: Uint8Array,
): { readonly blocks: Uint8Array<ArrayBuffer>; readonly heads: readonly Uint8Array[] } {
  const unknown = BLOCK - text.length
  const last = Math.min(unknown, WORD)
  const endings = spell(alphabet, last)
  const blocks = new Uint8Array(endings.length * BLOCK)
  const start = bytesOf(text.slice(0, BLOCK - last).padEnd(BLOCK - last, alphabet))
  for (const [index, ending] of endings.entries()) {
    const block = blocks.subarray(index * BLOCK, (index + 1) * BLOCK)
    block.set(start)
    block.set(bytesOf(ending), BLOCK - last)
    for (let at = 0; at < BLOCK; at += 1) block[at] = (block[at] ?? 0) ^ (firstBlock[at] ?? 0)
  }
  const known = text.slice(BLOCK - 2 * WORD, BLOCK - WORD)
  const heads = spell(alphabet, unknown - last).map((middle) =>
    bytesOf(known + middle).map((byte, at) => byte ^ (firstBlock[BLOCK - 2 * WORD + at] ?? 0)),
  )
  return { blocks, heads }
}

/** Every text of so many characters of the alphabet; one empty text for none. */
function spell(alphabet: string, length: number): readonly string[] {
  if (alphabet.length ** length > MOST_AT_ONCE && length > 0) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'beginning', expected: 'few unknown characters' })
  }
  let texts = ['']
  for (let at = 0; at < length; at += 1) {
    texts = texts.flatMap((text) => Array.from(alphabet, (character) => text + character))
  }
  return texts
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

function setHead(blocks: Uint8Array, head: Uint8Array): void {
  for (let at = BLOCK - 2 * WORD; at < blocks.length; at += BLOCK) blocks.set(head, at)
}

async function importBlockKey(key: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', new Uint8Array(key), 'AES-CBC', false, ['encrypt', 'decrypt'])
}

/** Where the decrypted blocks end with the counter. */
async function findCounters(key: CryptoKey, blocks: Uint8Array<ArrayBuffer>): Promise<readonly number[]> {
  const decrypted = new Uint32Array((await decryptChained(key, blocks)).buffer)
  const before = new Uint32Array(blocks.buffer)
  const words = BLOCK / WORD
  const found: number[] = []
  let previous = 0
  for (let at = words - 1; at < decrypted.length; at += words) {
    if (((decrypted[at] ?? 0) ^ previous) >>> 0 === COUNTER) found.push((at - words + 1) * WORD)
    previous = before[at] ?? 0
  }
  return found
}

/** The nonce in the block at a place. */
async function decryptBlock(
  key: CryptoKey,
  blocks: Uint8Array<ArrayBuffer>,
  at: number,
): Promise<Uint8Array> {
  return (await decryptChained(key, blocks.slice(at, at + BLOCK))).slice(0, NONCE_LENGTH)
}

/** Each block decrypted, xor the block before it; before the first are zeros. */
async function decryptChained(
  key: CryptoKey,
  blocks: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const iv = new Uint8Array(BLOCK)
  const last = blocks.slice(-BLOCK)
  const padding = new Uint8Array(
    await crypto.subtle.encrypt({ name: 'AES-CBC', iv: last }, key, new Uint8Array(0)),
  )
  const padded = new Uint8Array(blocks.length + BLOCK)
  padded.set(blocks)
  padded.set(padding, blocks.length)
  return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-CBC', iv }, key, padded))
}
