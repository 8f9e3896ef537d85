/**
 * The bytes that carry a conversation key (docs/formats.md, "Sealed conversation key, format 1"): a head that names
 * everybody and is signed, and slots of which each member needs only his own.
 */
import { be2, be4, concat, equal, lp, parseUtf8, utf8 } from '../crypto/bytes.ts'
import { sha256 } from '../crypto/hkdf.ts'
import { KeyhavenError } from '../errors.ts'
import { createCursor } from '../vault/cursor.ts'
import type { Cursor } from '../vault/cursor.ts'
import { FINGERPRINT_LENGTH } from './public-identity.ts'
import { SIGNATURE_LENGTH } from './signature.ts'

export const MOST_MEMBERS = 1000
export const MOST_CONVERSATION_BYTES = 256
export const SLOT_LENGTH = 1168
export const COMMITMENT_LENGTH = 32
const FORMAT = 1
const PURPOSE = 'keyhaven/conversation-key/v1'

/** What is signed. Fingerprints are 32 bytes. */
export interface Head {
  readonly conversation: string
  /** From 1. */
  readonly epoch: number
  readonly sender: Uint8Array
  /** Says which key it is, to those who have it; so that every member has the same. */
  readonly commitment: Uint8Array
  /** By ascending fingerprint, each once. */
  readonly members: readonly { readonly fingerprint: Uint8Array; readonly slotHash: Uint8Array }[]
}

export interface Message {
  readonly head: Head
  readonly headBytes: Uint8Array
  readonly signature: Uint8Array
  /** By a member's place in the head, ascending. */
  readonly slots: ReadonlyMap<number, Uint8Array>
}

/** What a key belongs to, as 32 bytes: conversation, epoch, sender and members, without the slots. */
export function deriveContext(
  purpose: Omit<Head, 'commitment' | 'members'> & { readonly members: readonly Uint8Array[] },
): Uint8Array {
  const { conversation, epoch, sender, members } = purpose
  return sha256(
    concat(lp(`${PURPOSE}/context`), lp(conversation), be4(epoch), sender, be2(members.length), ...members),
  )
}

export function writeHead(head: Head): Uint8Array {
  const conversation = utf8(head.conversation)
  const members = head.members.flatMap(({ fingerprint, slotHash }) => [fingerprint, slotHash])
  return concat(
    Uint8Array.of(FORMAT),
    be2(conversation.length),
    conversation,
    be4(head.epoch),
    head.sender,
    head.commitment,
    be2(head.members.length),
    ...members,
  )
}

/** What both keys sign. */
export function writeSigned(headBytes: Uint8Array): Uint8Array {
  return concat(lp(PURPOSE), lp(headBytes))
}

export function writeMessage(message: Omit<Message, 'head'>): Uint8Array {
  const slots = [...message.slots].flatMap(([place, slot]) => [be2(place), slot])
  return concat(message.headBytes, message.signature, be2(message.slots.size), ...slots)
}

/** Reads a message without believing it; `ERR_ENVELOPE_MALFORMED` when it is none of format 1. */
export function parseMessage(bytes: Uint8Array): Message {
  const cursor = createCursor(bytes)
  const head = parseHead(cursor)
  const headBytes = bytes.subarray(0, cursor.position())
  const signature = cursor.take(SIGNATURE_LENGTH)
  const slots = new Map<number, Uint8Array>()
  let least = 0
  for (let left = cursor.integer(2); left > 0; left -= 1) {
    const place = cursor.integer(2)
    if (place < least || place >= head.members.length) throw malformed()
    least = place + 1
    slots.set(place, cursor.take(SLOT_LENGTH))
  }
  cursor.end()
  return { head, headBytes, signature, slots }
}

function parseHead(cursor: Cursor): Head {
  if (cursor.integer(1) !== FORMAT) throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'version' })
  const conversation = parseUtf8(cursor.take(cursor.integer(2)))
  const epoch = cursor.integer(4)
  const sender = cursor.take(FINGERPRINT_LENGTH)
  const commitment = cursor.take(COMMITMENT_LENGTH)
  const count = cursor.integer(2)
  if (!isConversation(conversation) || epoch < 1 || count < 1 || count > MOST_MEMBERS) throw malformed()
  const members = Array.from({ length: count }, () => ({
    fingerprint: cursor.take(FINGERPRINT_LENGTH),
    slotHash: cursor.take(32),
  }))
  const ascending = members.every(
    ({ fingerprint }, index) => index === 0 || isBelow(members[index - 1]?.fingerprint, fingerprint),
  )
  if (!ascending) throw malformed()
  return { conversation, epoch, sender, commitment, members }
}

/** 1 to 256 bytes of well-formed text without control characters. */
export function isConversation(conversation: string): boolean {
  const { length } = utf8(conversation)
  return length >= 1 && length <= MOST_CONVERSATION_BYTES && !/[\p{Cc}\p{Cs}]/u.test(conversation)
}

/** Fingerprints in ascending order. */
export function compareFingerprints(one: Uint8Array, other: Uint8Array): number {
  if (equal(one, other)) return 0
  return isBelow(one, other) ? -1 : 1
}

function isBelow(one: Uint8Array | undefined, other: Uint8Array): boolean {
  if (one === undefined) return false
  const index = one.findIndex((byte, place) => byte !== other[place])
  return index !== -1 && (one[index] ?? 0) < (other[index] ?? 0)
}

function malformed(): KeyhavenError {
  return new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'parameters' })
}
