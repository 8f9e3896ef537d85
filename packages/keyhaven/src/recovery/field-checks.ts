/**
 * The fields that requests and responses share, with our own checks of scalars and points.
 */
import type { Fields } from './cbor.ts'
import { asFields, malformed, takeBytes } from './cbor.ts'
import type { Group } from './group.ts'
import { isPoint, isScalar } from './group.ts'
import { LENGTHS } from './messages.ts'
import type { SignedPublicKey } from './messages.ts'

/** A canonical scalar that is not zero. */
export function takeScalar(fields: Fields, name: string): Uint8Array {
  const bytes = takeBytes(fields, name, LENGTHS.scalar)
  if (!isScalar(bytes)) throw malformed(name)
  return bytes
}

/** A canonical point that is not the identity. */
export function takePoint(group: Group, fields: Fields, name: string): Uint8Array {
  const bytes = takeBytes(fields, name, LENGTHS.point)
  if (!isPoint(group, bytes)) throw malformed(name)
  return bytes
}

/** The map `oprf_signed_public_key`. The signature is not verified here. */
export function takeSignedPublicKey(group: Group, fields: Fields): SignedPublicKey {
  const key = asFields(fields.get('oprf_signed_public_key'))
  return {
    publicKey: takePoint(group, key, 'public_key'),
    verifyingKey: takeBytes(key, 'verifying_key', LENGTHS.verifyingKey),
    signature: takeBytes(key, 'signature', LENGTHS.signature),
  }
}

/** {@link takeSignedPublicKey}, written. */
export function encodeSignedPublicKey(key: SignedPublicKey): Readonly<Record<string, Uint8Array>> {
  return { public_key: key.publicKey, verifying_key: key.verifyingKey, signature: key.signature }
}
