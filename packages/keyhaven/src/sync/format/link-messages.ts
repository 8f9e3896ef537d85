/**
 * The messages that let a device at hand into the backup (docs/formats.md, "Link, format 1"), through a server that may lie.
 *
 *     0  new -> old  0x01 ‖ device id (16) ‖ X-Wing public key (1216) ‖ commitment (32) ‖ lp(label)
 *     1  old -> new  mode (1) ‖ X-Wing ciphertext (1120) ‖ nonce of the old device (16)
 *     2  new -> old  nonce of the new device (16)
 *     3  old -> new  AES-256-GCM of be4(generation) ‖ root key (32)
 *
 * Whoever stands between chooses his nonce before he knows the other, so six digits of both differ but for one in a
 * million, and there is one try. A scanned code needs no digits: it brings the key's hash and a secret past the server.
 */
import {
  XWING_CIPHERTEXT_LENGTH,
  XWING_PUBLIC_KEY_LENGTH,
  be4,
  concat,
  deriveKey,
  equalConstantTime,
  lp,
  openAead,
  parseHex,
  parseUtf8,
  sealAead,
  sha256,
  toHex,
  utf8,
} from '../../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { createByteReader } from './byte-reader.ts'

const FORMAT = 1
const HASH_LENGTH = 32
const MOST_LABEL_BYTES = 256
const CODE = /^KEYHAVEN-LINK:1:([0-9A-F]{32}):([0-9A-F]{64}):([0-9A-F]{32})$/

export const LINK_NONCE_LENGTH = 16
export const LINK_SECRET_LENGTH = 16
/** How the old device came to the offer. */
export const LINK_MODES = { scanned: 1, compared: 2 } as const
export type LinkMode = keyof typeof LINK_MODES

/** What a scanned code brings: all of it past the server. */
export interface LinkCode {
  /** The mailbox, 32 hex digits. */
  readonly id: string
  readonly keyHash: Uint8Array
  readonly secret: Uint8Array
}

export interface LinkOffer {
  /** 16 bytes. */
  readonly device: Uint8Array
  readonly label: string
  readonly publicKey: Uint8Array
  readonly commitment: Uint8Array
}

/** The text in the QR code; capitals, which QR codes hold best. */
export function writeLinkCode({ id, keyHash, secret }: LinkCode): string {
  return `KEYHAVEN-LINK:1:${[id, toHex(keyHash), toHex(secret)].join(':')}`.toUpperCase()
}

/** `ERR_INPUT_INVALID` for what is no such text. */
export function parseLinkCode(text: string): LinkCode {
  const [, id, keyHash, secret] = CODE.exec(text.trim().toUpperCase()) ?? []
  if (id === undefined || keyHash === undefined || secret === undefined) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'code', expected: 'the code of an offered link' })
  }
  return {
    id: id.toLowerCase(),
    keyHash: parseHex(keyHash.toLowerCase(), 'code', HASH_LENGTH),
    secret: parseHex(secret.toLowerCase(), 'code', LINK_SECRET_LENGTH),
  }
}

/** The commitment of the new device to its nonce. */
export function commitToNonce(nonce: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return sha256(concat(lp('keyhaven/link-commitment/v1'), lp(nonce), lp(publicKey)))
}

export function writeOffer({ device, label, publicKey, commitment }: LinkOffer): Uint8Array {
  return concat(Uint8Array.of(FORMAT), device, publicKey, commitment, lp(utf8(label)))
}

/** `ERR_CLIENT_TOO_OLD` for a format of the future, `ERR_LINK_FORGED` for anything else that does not fit. */
export function parseOffer(bytes: Uint8Array): LinkOffer {
  return parse(() => {
    const reader = createByteReader(bytes, 'link')
    const format = reader.integer(1)
    if (format > FORMAT) throw new KeyhavenError('ERR_CLIENT_TOO_OLD', undefined)
    if (format !== FORMAT) throw forged()
    const device = reader.bytes(16)
    const publicKey = reader.bytes(XWING_PUBLIC_KEY_LENGTH)
    const commitment = reader.bytes(HASH_LENGTH)
    const label = parseUtf8(reader.bytes(reader.integer(4)))
    if (reader.rest() > 0 || label.length > MOST_LABEL_BYTES || /\p{Cc}/u.test(label)) throw forged()
    return { device, label, publicKey, commitment }
  })
}

export function writeAnswer(answer: {
  readonly mode: LinkMode
  readonly ciphertext: Uint8Array
  readonly nonce: Uint8Array
}): Uint8Array {
  return concat(Uint8Array.of(LINK_MODES[answer.mode]), answer.ciphertext, answer.nonce)
}

export function parseAnswer(bytes: Uint8Array): {
  readonly mode: LinkMode
  readonly ciphertext: Uint8Array
  readonly nonce: Uint8Array
} {
  const mode = (['scanned', 'compared'] as const).find((name) => LINK_MODES[name] === bytes[0])
  if (mode === undefined || bytes.length !== 1 + XWING_CIPHERTEXT_LENGTH + LINK_NONCE_LENGTH) throw forged()
  const end = 1 + XWING_CIPHERTEXT_LENGTH
  return { mode, ciphertext: bytes.slice(1, end), nonce: bytes.slice(end) }
}

/** What both sides know once the third message is there. */
export interface LinkTranscript {
  /** 16 bytes each. */
  readonly account: Uint8Array
  readonly id: Uint8Array
  readonly offer: Uint8Array
  readonly answer: Uint8Array
  /** The new device's nonce. */
  readonly reveal: Uint8Array
}

/** Six digits for two people, or one with two screens, to compare. */
export function deriveLinkDigits(transcript: LinkTranscript): string {
  const secret = concat(parseAnswer(transcript.answer).nonce, transcript.reveal)
  const info = concat(lp('keyhaven/link-digits/v1'), lp(hashTranscript(transcript)))
  const bytes = deriveKey({ secret, info, length: 8 })
  const value = bytes.reduce((sum, byte) => (sum * 256n + BigInt(byte)) % 1_000_000n, 0n)
  return value.toString().padStart(6, '0')
}

interface LinkSecrets {
  readonly sharedSecret: Uint8Array
  /** The scanned one; none where digits were compared. */
  readonly secret: Uint8Array | undefined
}

/** The fourth message. */
export async function sealLinkedRoot(
  transcript: LinkTranscript,
  secrets: LinkSecrets,
  { generation, root }: { readonly generation: number; readonly root: Uint8Array },
): Promise<Uint8Array> {
  return sealAead(aeadOf(transcript, secrets), concat(be4(generation), root))
}

/** `ERR_LINK_FORGED` when it is not from the device that has both secrets. */
export async function openLinkedRoot(
  transcript: LinkTranscript,
  secrets: LinkSecrets,
  sealed: Uint8Array,
): Promise<{ readonly generation: number; readonly root: Uint8Array }> {
  try {
    const bytes = await openAead(aeadOf(transcript, secrets), sealed)
    if (bytes.length !== 36) throw forged()
    return { generation: new DataView(bytes.buffer).getUint32(0), root: bytes.slice(4) }
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_ENVELOPE_REJECTED')) throw forged()
    throw fault
  }
}

/** True when the revealed nonce is the one that the offer committed to. */
export function isCommitted(offer: LinkOffer, nonce: Uint8Array): boolean {
  if (nonce.length !== LINK_NONCE_LENGTH) return false
  return equalConstantTime(commitToNonce(nonce, offer.publicKey), offer.commitment)
}

/** The key is used once, so the nonce is zero. */
function aeadOf(
  transcript: LinkTranscript,
  { sharedSecret, secret = new Uint8Array(0) }: LinkSecrets,
): { readonly key: Uint8Array; readonly nonce: Uint8Array; readonly associatedData: Uint8Array } {
  const info = concat(lp('keyhaven/link-key/v1'), lp(hashTranscript(transcript)))
  const key = deriveKey({ secret: concat(sharedSecret, secret), info })
  return { key, nonce: new Uint8Array(12), associatedData: new Uint8Array(0) }
}

function hashTranscript({ account, id, offer, answer, reveal }: LinkTranscript): Uint8Array {
  return sha256(concat(lp('keyhaven/link/v1'), lp(account), lp(id), lp(offer), lp(answer), lp(reveal)))
}

function parse<T>(work: () => T): T {
  try {
    return work()
  } catch (fault) {
    if (isKeyhavenError(fault) && fault.code !== 'ERR_CLIENT_TOO_OLD') throw forged()
    throw fault
  }
}

function forged(): KeyhavenError {
  return new KeyhavenError('ERR_LINK_FORGED', undefined)
}
