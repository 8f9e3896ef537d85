/**
 * What others have of a person: three public keys that belong together (docs/formats.md, "Public identity, format 1").
 *
 * The fingerprint is over all of them, so none can be exchanged alone. Bytes that parse are well-formed, no more: whose
 * they are is what contact pins and the comparison of safety numbers are for.
 */
import { concat, lp } from '../crypto/bytes.ts'
import { isEd25519PublicKey } from '../crypto/ed25519.ts'
import { sha256 } from '../crypto/hkdf.ts'
import { isX25519PublicKey } from '../crypto/x25519.ts'
import { KeyhavenError } from '../errors.ts'
import { createCursor } from '../vault/cursor.ts'

export const PUBLIC_IDENTITY_LENGTH = 3201
export const FINGERPRINT_LENGTH = 32
const FORMAT = 1
const X_WING_LENGTH = 1216
/** The first part of an X-Wing key; the X25519 point is the rest. */
const ML_KEM_LENGTH = 1184
const ED25519_LENGTH = 32
const ML_DSA_65_LENGTH = 1952

export interface PublicIdentity {
  /** To agree on keys: X25519 and ML-KEM-768 together, 1216 bytes. */
  readonly xWing: Uint8Array
  /** To sign, 32 bytes. */
  readonly ed25519: Uint8Array
  /** To sign, 1952 bytes. */
  readonly mlDsa65: Uint8Array
  /** The identity as it is sent and stored, 3201 bytes. */
  readonly bytes: Uint8Array
  /** 32 bytes that stand for all of it. */
  readonly fingerprint: Uint8Array
}

/** Joins the keys of an identity. */
export function writePublicIdentity(
  keys: Pick<PublicIdentity, 'xWing' | 'ed25519' | 'mlDsa65'>,
): PublicIdentity {
  const bytes = concat(Uint8Array.of(FORMAT), keys.xWing, keys.ed25519, keys.mlDsa65)
  return { ...keys, bytes, fingerprint: deriveFingerprint(bytes) }
}

/**
 * Reads a public identity from anywhere. `ERR_ENVELOPE_MALFORMED` for another length or version, and for keys that cannot
 * be used: points of small order, an Ed25519 key that is no point, ML-KEM coefficients that are not reduced. So one such
 * member does not keep the others from a key.
 */
export function parsePublicIdentity(bytes: Uint8Array): PublicIdentity {
  const copy = bytes.slice()
  const cursor = createCursor(copy)
  if (cursor.integer(1) !== FORMAT) throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'version' })
  const xWing = cursor.take(X_WING_LENGTH)
  const ed25519 = cursor.take(ED25519_LENGTH)
  const mlDsa65 = cursor.take(ML_DSA_65_LENGTH)
  cursor.end()
  const agrees = isReduced(xWing) && isX25519PublicKey(xWing.subarray(ML_KEM_LENGTH))
  if (!isEd25519PublicKey(ed25519) || !agrees) {
    throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'parameters' })
  }
  return { xWing, ed25519, mlDsa65, bytes: copy, fingerprint: deriveFingerprint(copy) }
}

function deriveFingerprint(bytes: Uint8Array): Uint8Array {
  return sha256(concat(lp('keyhaven/identity/v1'), bytes))
}

/** FIPS 203, section 7.2: each of the 768 coefficients of 12 bits is below 3329. */
function isReduced(xWing: Uint8Array): boolean {
  for (let offset = 0; offset < 1152; offset += 3) {
    const [low = 0, middle = 0, high = 0] = xWing.subarray(offset, offset + 3)
    if ((low | ((middle & 0x0f) << 8)) >= 3329 || ((middle >> 4) | (high << 4)) >= 3329) return false
  }
  return true
}
