/**
 * Stretching a PIN into the two 32-byte keys that the protocol starts from.
 *
 * The PIN is bytes here; normalisation and policy belong to `keyhaven/sync`.
 */
import type { Argon2id } from '../crypto/argon2.ts'
import { concat, lp, wipe } from '../crypto/bytes.ts'
import { KeyhavenError } from '../errors.ts'

/** How a PIN is stretched. `FastInsecure` stops nobody and is for tests. */
export type PinHashingMode = 'Standard2019' | 'FastInsecure'

const COSTS = {
  Standard2019: { memoryKib: 16_384, iterations: 32 },
  FastInsecure: { memoryKib: 8, iterations: 1 },
} as const

/** What the OPRF is asked about, and what the secret's encryption key is made from. 32 bytes each. */
export interface StretchedPin {
  readonly accessKey: Uint8Array
  readonly encryptionKeySeed: Uint8Array
}

/**
 * Argon2id over the PIN; the salt is `lp(version) ‖ lp(userInfo)`, so each registration has its own.
 * `ERR_ARGON2_UNAVAILABLE` when the implementation fails; what it said is not passed on.
 */
export async function stretchPin(input: {
  readonly argon2id: Argon2id
  readonly mode: PinHashingMode
  readonly pin: Uint8Array
  readonly version: Uint8Array
  readonly userInfo: Uint8Array
}): Promise<StretchedPin> {
  const cost = { ...COSTS[input.mode], parallelism: 1, length: 64 }
  const salt = concat(lp(input.version), lp(input.userInfo))
  const stretched = await input.argon2id({ ...cost, password: input.pin, salt }).catch(() => {
    throw new KeyhavenError('ERR_ARGON2_UNAVAILABLE', undefined)
  })
  const keys = { accessKey: stretched.slice(0, 32), encryptionKeySeed: stretched.slice(32, 64) }
  wipe(stretched)
  return keys
}
