/**
 * Shares of a way's seed, sealed to contacts' identities, and a contact's answer, sealed to the key of the device that asks
 * (docs/formats.md, "Contact share, format 1").
 *
 * The names open at once, so that a contact sees who asks while the wait still runs; the share, under another key of the same
 * encapsulation, is given to him after it. Everything is bound to the owner's account and to the one it is sealed to.
 */
import {
  AEAD_NONCE_LENGTH,
  AEAD_TAG_LENGTH,
  XWING_CIPHERTEXT_LENGTH,
  concat,
  deriveKey,
  loadXWing,
  lp,
  openAead,
  parseHex,
  parseUtf8,
  sealAead,
  sha256,
  toHex,
  utf8,
  wipe,
} from '../../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import type { KeyhavenErrorCode } from '../../errors.ts'
import { isShortText } from '../../crypto/text.ts'
import { createCursor } from '../../vault/cursor.ts'
import { WAY_ID_BYTES } from './slot.ts'

const FORMAT = 1
const NAMES_BYTES = 544
/** A byte of the seed's share for each of its own, and the place on the polynomial. */
const POINT_BYTES = 33
const SHARE_BYTES = WAY_ID_BYTES + 2 + POINT_BYTES
const HEAD_BYTES = 1 + XWING_CIPHERTEXT_LENGTH

export const SEALED_NAMES_BYTES: number = HEAD_BYTES + NAMES_BYTES + AEAD_TAG_LENGTH
export const SEALED_SHARE_BYTES: number = SHARE_BYTES + AEAD_TAG_LENGTH
export const SEALED_ANSWER_BYTES: number = HEAD_BYTES + SHARE_BYTES + AEAD_TAG_LENGTH

/** What of a contact's identity a share is sealed to. */
export interface ContactIdentity {
  /** 1216 bytes. */
  readonly xWing: Uint8Array
  /** 32 bytes. */
  readonly fingerprint: Uint8Array
}

/** What of his own identity a contact opens it with. */
export interface OwnIdentity {
  /** 32 bytes. */
  readonly xWingSeed: Uint8Array
  readonly publicIdentity: { readonly fingerprint: Uint8Array }
}

/** One share, and what it says of itself. */
export interface ContactShare {
  /** The way whose seed it is a part of, 32 hex digits. */
  readonly wayId: string
  /** The contact's place in the list, from 1. */
  readonly place: number
  /** How many shares open the way. */
  readonly threshold: number
  /** 33 bytes. */
  readonly point: Uint8Array
}

/** What owner and contact are called by the owner. */
export interface ContactNames {
  readonly owner: string
  readonly contact: string
}

export interface SealedContactShare {
  /** 1681 bytes. */
  readonly names: Uint8Array
  /** 67 bytes. */
  readonly share: Uint8Array
}

interface Ownership {
  /** The owner's account, 16 bytes. */
  readonly account: Uint8Array
}

/** Seals a share and the names to a contact's identity. */
export async function sealContactShare(
  input: Ownership & {
    readonly contact: ContactIdentity
    readonly names: ContactNames
    readonly share: ContactShare
  },
): Promise<SealedContactShare> {
  const { encapsulate } = await loadXWing()
  const { ciphertext, sharedSecret } = encapsulate(input.contact.xWing)
  const { account } = input
  const { fingerprint } = input.contact
  const keyOf = (part: Part): Uint8Array =>
    deriveShareKey(part, { account, fingerprint, ciphertext, sharedSecret })
  try {
    const names = await sealAead({ key: keyOf('names'), ...ONCE }, writeNames(input.names))
    const share = await sealAead({ key: keyOf('share'), ...ONCE }, writeShare(input.share))
    return { names: concat(Uint8Array.of(FORMAT), ciphertext, names), share }
  } finally {
    wipe(sharedSecret)
  }
}

/**
 * Who asks, and what he calls this contact. `ERR_ENVELOPE_REJECTED` when it was sealed for another account or identity, or
 * altered; `ERR_ENVELOPE_MALFORMED` for what is none; `ERR_CLIENT_TOO_OLD` for a format of the future.
 */
export async function openContactNames(
  input: Ownership & { readonly identity: OwnIdentity; readonly names: Uint8Array },
): Promise<ContactNames> {
  const { key, sealed } = await openKey('names', input)
  return parseNames(await openAead({ key, ...ONCE }, sealed))
}

/** The share that belongs to these names. Errors as above. */
export async function openContactShare(
  input: Ownership & SealedContactShare & { readonly identity: OwnIdentity },
): Promise<ContactShare> {
  const { key } = await openKey('share', input)
  return parseShare(await openAead({ key, ...ONCE }, input.share))
}

interface Asking extends Ownership {
  /** 32 hex digits. */
  readonly requestId: string
}

/** Seals a share to the public key (1216 bytes) of the device that asks; 1188 bytes. */
export async function sealContactAnswer(
  input: Asking & { readonly publicKey: Uint8Array; readonly share: ContactShare },
): Promise<Uint8Array> {
  const { encapsulate } = await loadXWing()
  const { ciphertext, sharedSecret } = encapsulate(input.publicKey)
  const key = deriveAnswerKey({ ...input, ciphertext, sharedSecret })
  wipe(sharedSecret)
  const sealed = await sealAead({ key, ...ONCE }, writeShare(input.share))
  return concat(Uint8Array.of(FORMAT), ciphertext, sealed)
}

/** Opens an answer with the seed (32 bytes) of that key. Errors as above. */
export async function openContactAnswer(
  input: Asking & { readonly seed: Uint8Array; readonly answer: Uint8Array },
): Promise<ContactShare> {
  const { ciphertext, sealed } = parseHead(input.answer, SEALED_ANSWER_BYTES)
  const { decapsulate, deriveXWingPublicKey } = await loadXWing()
  const sharedSecret = decapsulate({ ciphertext, seed: input.seed })
  const publicKey = deriveXWingPublicKey(input.seed)
  const key = deriveAnswerKey({ ...input, publicKey, ciphertext, sharedSecret })
  wipe(sharedSecret)
  return parseShare(await openAead({ key, ...ONCE }, sealed))
}

const FOREIGN: readonly KeyhavenErrorCode[] = [
  'ERR_ENVELOPE_REJECTED',
  'ERR_ENVELOPE_MALFORMED',
  'ERR_CLIENT_TOO_OLD',
]

/** For one of several that other people sealed, who may send anything, an unknown format too: it is left out, not the rest. */
export function unlessForeign(fault: unknown): undefined {
  if (isKeyhavenError(fault) && FOREIGN.includes(fault.code)) return undefined
  throw fault
}

/** Each key is used for one sealing. */
const ONCE = { nonce: new Uint8Array(AEAD_NONCE_LENGTH), associatedData: new Uint8Array() }
type Part = 'names' | 'share'

async function openKey(
  part: Part,
  input: Ownership & { readonly identity: OwnIdentity; readonly names: Uint8Array },
): Promise<{ readonly key: Uint8Array; readonly sealed: Uint8Array }> {
  const { ciphertext, sealed } = parseHead(input.names, SEALED_NAMES_BYTES)
  const { decapsulate } = await loadXWing()
  const sharedSecret = decapsulate({ ciphertext, seed: input.identity.xWingSeed })
  const { fingerprint } = input.identity.publicIdentity
  const key = deriveShareKey(part, { account: input.account, fingerprint, ciphertext, sharedSecret })
  wipe(sharedSecret)
  return { key, sealed }
}

function deriveShareKey(
  part: Part,
  input: Ownership & {
    readonly fingerprint: Uint8Array
    readonly ciphertext: Uint8Array
    readonly sharedSecret: Uint8Array
  },
): Uint8Array {
  const info = concat(
    lp('keyhaven/contact-share/v1'),
    lp(part),
    lp(input.account),
    lp(input.fingerprint),
    lp(sha256(input.ciphertext)),
  )
  return deriveKey({ secret: input.sharedSecret, info })
}

function deriveAnswerKey(
  input: Asking & {
    readonly publicKey: Uint8Array
    readonly ciphertext: Uint8Array
    readonly sharedSecret: Uint8Array
  },
): Uint8Array {
  const info = concat(
    lp('keyhaven/contact-answer/v1'),
    lp(input.account),
    lp(parseHex(input.requestId, 'requestId', 16)),
    lp(sha256(concat(input.publicKey, input.ciphertext))),
  )
  return deriveKey({ secret: input.sharedSecret, info })
}

function parseHead(
  bytes: Uint8Array,
  length: number,
): { readonly ciphertext: Uint8Array; readonly sealed: Uint8Array } {
  if ((bytes[0] ?? 0) > FORMAT) throw new KeyhavenError('ERR_CLIENT_TOO_OLD', undefined)
  if (bytes[0] !== FORMAT) throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'version' })
  if (bytes.length !== length) throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'length' })
  return { ciphertext: bytes.subarray(1, HEAD_BYTES), sealed: bytes.subarray(HEAD_BYTES) }
}

function writeNames({ owner, contact }: ContactNames): Uint8Array {
  const names = new Uint8Array(NAMES_BYTES)
  names.set(concat(lp(utf8(owner)), lp(utf8(contact))))
  return names
}

function parseNames(bytes: Uint8Array): ContactNames {
  const cursor = createCursor(bytes)
  const [owner, contact] = [parseUtf8(cursor.prefixed()), parseUtf8(cursor.prefixed())]
  if (!isShortText(owner) || !isShortText(contact)) {
    throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'parameters' })
  }
  return { owner, contact }
}

function writeShare({ wayId, place, threshold, point }: ContactShare): Uint8Array {
  return concat(parseHex(wayId, 'wayId', WAY_ID_BYTES), Uint8Array.of(place, threshold), point)
}

function parseShare(bytes: Uint8Array): ContactShare {
  const cursor = createCursor(bytes)
  const wayId = toHex(cursor.take(WAY_ID_BYTES))
  const place = cursor.integer(1)
  const threshold = cursor.integer(1)
  const point = cursor.take(POINT_BYTES).slice()
  cursor.end()
  return { wayId, place, threshold, point }
}
