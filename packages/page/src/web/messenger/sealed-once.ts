/**
 * What is sealed under a key of its own: from a secret and the place that it belongs to, random bytes included. So each key and its
 * nonce are used once, and what is moved to another place does not open.
 */
import { AEAD_NONCE_LENGTH, deriveKey, openAead, sealAead } from 'keyhaven/crypto'

interface Once {
  readonly secret: Uint8Array
  /** With at least 32 random bytes in it. */
  readonly place: Uint8Array
}

export function sealOnce(once: Once, bytes: Uint8Array): Promise<Uint8Array> {
  return sealAead(keyOf(once), bytes)
}

/** `ERR_ENVELOPE_REJECTED` when it was sealed by another secret, for another place, or altered. */
export function openOnce(once: Once, sealed: Uint8Array): Promise<Uint8Array> {
  return openAead(keyOf(once), sealed)
}

function keyOf({ secret, place }: Once): Parameters<typeof sealAead>[0] {
  return {
    key: deriveKey({ secret, info: place }),
    nonce: new Uint8Array(AEAD_NONCE_LENGTH),
    associatedData: place,
  }
}
