/**
 * Who has stolen the records of some realms together with the keys that seal them, and tries PINs: everything in a record
 * that a PIN could be tested against is tested, under every key that can be made of what was stolen.
 */
import type { Argon2id } from 'keyhaven/crypto'
import { equal, sha256 } from 'keyhaven/crypto'
import type { Group, Registration } from 'keyhaven/recovery/realm'
import { isKeyhavenError } from '../../packages/keyhaven/src/errors.ts'
import { evaluateDirectly } from '../../packages/keyhaven/src/recovery/oprf.ts'
import { stretchPin } from '../../packages/keyhaven/src/recovery/pin.ts'
import type { StretchedPin } from '../../packages/keyhaven/src/recovery/pin.ts'
import {
  deriveShareCommitment,
  deriveUnlockKeyTag,
  deriveUnlockKeys,
  openRegistration,
} from '../../packages/keyhaven/src/recovery/registration.ts'
import { combineScalars } from '../../packages/keyhaven/src/recovery/shares.ts'

/** One realm's record, opened; `index` is the realm's place in the configuration, from 1. */
export interface StolenRecord {
  readonly realmId: Uint8Array
  readonly index: number
  readonly version: Uint8Array
  readonly unlockKeyTagHash: Uint8Array
  readonly registration: Registration
}

export interface Theft {
  readonly group: Group
  readonly argon2id: Argon2id
  readonly userInfo: Uint8Array
  readonly records: readonly StolenRecord[]
}

/** The PINs that differ from others in any test, in the order in which they were tried. */
export async function searchPins(theft: Theft, pins: Iterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const keys = candidateKeys(theft)
  const [record] = theft.records
  if (record === undefined) return []
  const found: Uint8Array[] = []
  for (const pin of pins) {
    const { argon2id, userInfo } = theft
    const { version } = record
    const stretched = await stretchPin({ argon2id, mode: 'FastInsecure', pin, version, userInfo })
    if (keys.some((privateKey) => tellsApart(theft, privateKey, stretched))) found.push(pin)
  }
  return found
}

/** What the shares amount to together, and each alone. */
function candidateKeys({ group, records }: Theft): readonly Uint8Array[] {
  const shares = records.map(({ index, registration }) => ({ index, value: registration.oprfPrivateKey }))
  const alone = shares.map(({ value }) => value)
  return shares.length === 1 ? alone : [combineScalars(group, shares), ...alone]
}

function tellsApart(theft: Theft, privateKey: Uint8Array, stretched: StretchedPin): boolean {
  const { group, records } = theft
  const output = evaluateDirectly({ group, input: stretched.accessKey, privateKey })
  const { commitment, unlockKey } = deriveUnlockKeys(output)
  const matches = records.some(({ realmId, unlockKeyTagHash, registration }) => {
    const shareCommitment = deriveShareCommitment({ unlockKey, realmId, share: registration })
    return (
      equal(commitment, registration.unlockKeyCommitment) ||
      equal(sha256(deriveUnlockKeyTag(unlockKey, realmId)), unlockKeyTagHash) ||
      equal(shareCommitment, registration.encryptedSecretCommitment)
    )
  })
  return matches || opens(theft, stretched)
}

/** True when the stolen scalars open the secret under this PIN. */
function opens({ group, records }: Theft, { encryptionKeySeed }: StretchedPin): boolean {
  const shares = records.map(({ index, registration }) => ({
    index,
    value: registration.encryptionKeyShare,
  }))
  const encryptedSecret = records[0]?.registration.encryptedSecret ?? new Uint8Array()
  try {
    openRegistration({ group, encryptionKeySeed, shares, encryptedSecret })
    return true
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_REGISTRATION_DAMAGED')) return false
    throw fault
  }
}
