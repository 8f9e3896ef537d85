/**
 * A conversation's key, from one member to all: sealed to each member's identity and signed by the sender's.
 *
 * Every member sees who else is named, has the same key as they have (the signed commitment), and can prove to himself
 * that it was sealed for this conversation and epoch. What this does not do: it does not say who may send. The caller
 * takes keys only from senders whom his pins know and who belong to the conversation.
 */
import { AEAD_NONCE_LENGTH, openAead, sealAead } from '../crypto/aead.ts'
import { concat, equal, equalConstantTime, lp, randomBytes, wipe } from '../crypto/bytes.ts'
import { deriveKey, sha256 } from '../crypto/hkdf.ts'
import { loadXWing } from '../crypto/load-x-wing.ts'
import { KeyhavenError } from '../errors.ts'
import {
  MOST_MEMBERS,
  compareFingerprints,
  deriveContext,
  isConversation,
  parseMessage,
  writeHead,
  writeMessage,
  writeSigned,
} from './conversation-key-message.ts'
import type { Head, Message } from './conversation-key-message.ts'
import type { Identity } from './identity.ts'

import type { PublicIdentity } from './public-identity.ts'
import { signHybrid, verifyHybrid } from './signature.ts'

const KEY_LENGTH = 32
const X_WING_CIPHERTEXT_LENGTH = 1120

/** A fresh conversation key: 32 random bytes. */
export function generateConversationKey(): Uint8Array {
  return randomBytes(KEY_LENGTH)
}

/**
 * Seals a key of 32 random bytes to 1 to 1,000 members, of whom the sender is one if his other devices are to have it.
 * `epoch` is from 1 to 2^32 − 1 and grows with each new key. The message is for everybody: 3.5 kB and 1.2 kB a member;
 * {@link narrowConversationKey} takes out what one member needs. `ERR_INPUT_INVALID` names what is out of bounds.
 */
export async function sealConversationKey(input: {
  readonly sender: Identity
  readonly members: readonly PublicIdentity[]
  readonly conversation: string
  readonly epoch: number
  readonly key: Uint8Array
}): Promise<Uint8Array> {
  const { conversation, epoch, key } = input
  const members = requireInput(input)
  const sender = input.sender.publicIdentity.fingerprint
  const context = deriveContext({
    conversation,
    epoch,
    sender,
    members: members.map(({ fingerprint }) => fingerprint),
  })
  const slots = new Map<number, Uint8Array>()
  const named: Head['members'][number][] = []
  for (const [place, member] of members.entries()) {
    const slot = await sealSlot({ member, context, key })
    slots.set(place, slot)
    named.push({ fingerprint: member.fingerprint, slotHash: sha256(slot) })
  }
  const commitment = deriveCommitment(key, context)
  const headBytes = writeHead({ conversation, epoch, sender, commitment, members: named })
  const signature = await signHybrid(input.sender, writeSigned(headBytes))
  return writeMessage({ headBytes, signature, slots })
}

/** The message with one member's slot only: 4.6 kB and 64 bytes for each member. `ERR_RECORD_MISSING` without it. */
export function narrowConversationKey(message: Uint8Array, fingerprint: Uint8Array): Uint8Array {
  const { head, headBytes, signature, slots } = parseMessage(message)
  const place = placeOf(head, fingerprint)
  const slot = slots.get(place)
  if (slot === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  return writeMessage({ headBytes, signature, slots: new Map([[place, slot]]) })
}

/** What a message says of itself, before anything is verified: to find the sender's identity by. */
export interface ConversationKeyClaims {
  readonly conversation: string
  readonly epoch: number
  /** Fingerprints of 32 bytes. */
  readonly sender: Uint8Array
  readonly members: readonly Uint8Array[]
}

/** Reads who and what a message names; believe none of it yet. `ERR_ENVELOPE_MALFORMED` when it is none. */
export function readConversationKeyClaims(message: Uint8Array): ConversationKeyClaims {
  const { conversation, epoch, sender, members } = parseMessage(message).head
  return {
    conversation,
    epoch,
    sender: sender.slice(),
    members: members.map(({ fingerprint }) => fingerprint.slice()),
  }
}

export type OpenedConversationKey =
  | {
      readonly status: 'opened'
      /** 32 bytes, the caller's. */
      readonly key: Uint8Array
      readonly epoch: number
      /** Fingerprints of everybody who was sent this key, ascending. */
      readonly members: readonly Uint8Array[]
    }
  /** Truly the sender's, but older than what is known: somebody plays back an old message. Keep the newer key. */
  | { readonly status: 'old-epoch'; readonly epoch: number }
  /** Truly the sender's, and not sealed to this identity, or its slot was left out. */
  | { readonly status: 'not-for-this-identity'; readonly epoch: number }

/**
 * Opens a message from `sender`, whom the caller has pinned, for `conversation`; `knownEpoch` is the highest epoch that
 * he has of it. `ERR_ENVELOPE_MALFORMED` for what is no message; `ERR_ENVELOPE_REJECTED` when it is another sender's or
 * conversation's, a signature is not good, or the key is not the one that it commits to.
 */
export async function openConversationKey(input: {
  readonly identity: Identity
  readonly sender: PublicIdentity
  readonly conversation: string
  readonly message: Uint8Array
  readonly knownEpoch?: number
}): Promise<OpenedConversationKey> {
  const message = parseMessage(input.message)
  await requireAuthentic(message, input)
  const { head, slots } = message
  if (head.epoch < (input.knownEpoch ?? 0)) return { status: 'old-epoch', epoch: head.epoch }
  const place = placeOf(head, input.identity.publicIdentity.fingerprint)
  const slot = slots.get(place)
  if (slot === undefined) return { status: 'not-for-this-identity', epoch: head.epoch }
  const members = head.members.map(({ fingerprint }) => fingerprint.slice())
  const context = deriveContext({ ...head, members })
  const key = await openSlot({ identity: input.identity, context, slot })
  if (!equalConstantTime(deriveCommitment(key, context), head.commitment)) throw rejected()
  return { status: 'opened', key, epoch: head.epoch, members }
}

async function requireAuthentic(
  { head, headBytes, signature, slots }: Message,
  expected: { readonly sender: PublicIdentity; readonly conversation: string },
): Promise<void> {
  const addressed =
    equal(head.sender, expected.sender.fingerprint) && head.conversation === expected.conversation
  const whole = [...slots].every(([place, slot]) =>
    equal(sha256(slot), head.members[place]?.slotHash ?? slot),
  )
  if (!addressed || !whole) throw rejected()
  const signed = writeSigned(headBytes)
  if (!(await verifyHybrid({ publicIdentity: expected.sender, message: signed, signature }))) throw rejected()
}

function placeOf(head: Head, fingerprint: Uint8Array): number {
  return head.members.findIndex((member) => equal(member.fingerprint, fingerprint))
}

function requireInput(input: Parameters<typeof sealConversationKey>[0]): readonly PublicIdentity[] {
  const { conversation, epoch, key } = input
  const members = [...input.members].sort((one, other) =>
    compareFingerprints(one.fingerprint, other.fingerprint),
  )
  const twice = members.some(({ fingerprint }, index) =>
    equal(fingerprint, members[index - 1]?.fingerprint ?? key),
  )
  const check = (fine: boolean, field: string, expected: string): void => {
    if (!fine) throw new KeyhavenError('ERR_INPUT_INVALID', { field, expected })
  }
  check(isConversation(conversation), 'conversation', '1 to 256 bytes of UTF-8')
  check(Number.isInteger(epoch) && epoch >= 1 && epoch <= 0xffffffff, 'epoch', '1 to 4294967295')
  check(key.length === KEY_LENGTH, 'key', '32 random bytes')
  check(members.length >= 1 && members.length <= MOST_MEMBERS && !twice, 'members', '1 to 1000, each once')
  return members
}

async function sealSlot(input: {
  readonly member: PublicIdentity
  readonly context: Uint8Array
  readonly key: Uint8Array
}): Promise<Uint8Array> {
  const { encapsulate } = await loadXWing()
  const { ciphertext, sharedSecret } = encapsulate(input.member.xWing)
  const slotKey = deriveSlotKey({ ...input, fingerprint: input.member.fingerprint, ciphertext, sharedSecret })
  wipe(sharedSecret)
  return concat(ciphertext, await sealAead({ key: slotKey, ...ONCE }, input.key))
}

async function openSlot(input: {
  readonly identity: Identity
  readonly context: Uint8Array
  readonly slot: Uint8Array
}): Promise<Uint8Array> {
  const { decapsulate } = await loadXWing()
  const ciphertext = input.slot.subarray(0, X_WING_CIPHERTEXT_LENGTH)
  const seed = input.identity.xWingSeed
  const sharedSecret = decapsulate({ ciphertext, seed })
  const { fingerprint } = input.identity.publicIdentity
  const slotKey = deriveSlotKey({ ...input, fingerprint, ciphertext, sharedSecret })
  wipe(sharedSecret)
  return openAead({ key: slotKey, ...ONCE }, input.slot.subarray(X_WING_CIPHERTEXT_LENGTH))
}

/** Each slot key is used for one sealing. */
const ONCE = { nonce: new Uint8Array(AEAD_NONCE_LENGTH), associatedData: new Uint8Array() }

function deriveSlotKey(input: {
  readonly sharedSecret: Uint8Array
  readonly context: Uint8Array
  readonly fingerprint: Uint8Array
  readonly ciphertext: Uint8Array
}): Uint8Array {
  const { sharedSecret, context, fingerprint, ciphertext } = input
  const info = concat(lp('keyhaven/conversation-key/v1/slot'), context, fingerprint, sha256(ciphertext))
  return deriveKey({ secret: sharedSecret, info })
}

function deriveCommitment(key: Uint8Array, context: Uint8Array): Uint8Array {
  return deriveKey({ secret: key, info: concat(lp('keyhaven/conversation-key/v1/commitment'), context) })
}

function rejected(): KeyhavenError {
  return new KeyhavenError('ERR_ENVELOPE_REJECTED', undefined)
}
