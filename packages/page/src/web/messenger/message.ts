/**
 * A text, sealed for a conversation. Each has a key of its own, from the conversation's key and 32 random bytes, and is bound to
 * conversation, epoch, sender, id and the place up to which its sender had read. Inside is the head of the list as he saw it.
 *
 *     2 ‖ epoch (4) ‖ key id (8) ‖ seen (4) ‖ random (32) ‖ AES-256-GCM(head (32) ‖ text)
 */
import { be4, concat, lp, parseHex, parseUtf8, randomBytes, sha256, toHex, utf8 } from 'keyhaven/crypto'
import { openOnce, sealOnce } from './sealed-once.ts'

export const KEY_KIND = 1
export const TEXT_KIND = 2
const KEY_ID_BYTES = 8
const RANDOM_BYTES = 32
const HEAD_BYTES = 32
const CLEAR_BYTES = 1 + 4 + KEY_ID_BYTES + 4 + RANDOM_BYTES
const TAG_BYTES = 16

/** What a message is bound to, from where the reader stands. */
export interface Bound {
  /** 32 hex digits. */
  readonly conversation: string
  /** The sender's fingerprint. */
  readonly sender: Uint8Array
  /** 32 hex digits. */
  readonly id: string
}

/** Which key opens a message, and what its sender had read. */
export interface Claims {
  readonly epoch: number
  readonly keyId: string
  readonly seen: number
}

/** Seals a text; `head` is that of the list after `seen` messages. */
export async function sealText(
  bound: Bound,
  input: Omit<Claims, 'keyId'> & {
    readonly key: Uint8Array
    readonly head: Uint8Array
    readonly text: string
  },
): Promise<Uint8Array> {
  const { key, epoch, seen, head, text } = input
  const keyId = sha256(key).subarray(0, KEY_ID_BYTES)
  const clear = concat(Uint8Array.of(TEXT_KIND), be4(epoch), keyId, be4(seen), randomBytes(RANDOM_BYTES))
  const once = { secret: key, place: placeOf(bound, clear) }
  return concat(clear, await sealOnce(once, concat(head, utf8(text))))
}

/** Reads what a text says of itself; `undefined` for what is none. */
export function readClaims(body: Uint8Array): Claims | undefined {
  if (body[0] !== TEXT_KIND || body.length < CLEAR_BYTES + HEAD_BYTES + TAG_BYTES) return undefined
  const view = new DataView(body.buffer, body.byteOffset)
  const keyId = toHex(body.subarray(5, 5 + KEY_ID_BYTES))
  return { epoch: view.getUint32(1), keyId, seen: view.getUint32(5 + KEY_ID_BYTES) }
}

/** Opens a text. `ERR_ENVELOPE_REJECTED` when it is another's, of another place, or altered. */
export async function openText(
  bound: Bound,
  key: Uint8Array,
  body: Uint8Array,
): Promise<{ readonly head: Uint8Array; readonly text: string }> {
  const clear = body.subarray(0, CLEAR_BYTES)
  const once = { secret: key, place: placeOf(bound, clear) }
  const opened = await openOnce(once, body.subarray(CLEAR_BYTES))
  return { head: opened.slice(0, HEAD_BYTES), text: parseUtf8(opened.subarray(HEAD_BYTES)) }
}

/** The head of an empty list, and that of a list with one message more: SHA-256 over everything that the list says. */
export function emptyHead(conversation: string): Uint8Array {
  return sha256(concat(lp('keyhaven-page/list/v1'), parseHex(conversation, 'conversation', 16)))
}

export function nextHead(
  head: Uint8Array,
  { sender, id }: Omit<Bound, 'conversation'>,
  body: Uint8Array,
): Uint8Array {
  return sha256(concat(head, sender, parseHex(id, 'id', 16), lp(body)))
}

/** The clear part holds the random bytes. */
function placeOf(bound: Bound, clear: Uint8Array): Uint8Array {
  return concat(
    lp('keyhaven-page/message/v1'),
    parseHex(bound.conversation, 'conversation', 16),
    bound.sender,
    parseHex(bound.id, 'id', 16),
    clear,
  )
}
