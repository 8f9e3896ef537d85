/**
 * The seals of a realm: one for each epoch whose key is left, and which of them is in use.
 *
 * Another server may have begun an epoch that this process has not heard of. Its key is looked for where keys lie before
 * anything is refused; a record whose key is not there is not touched, so no guess is counted that could not be answered.
 */
import { toHex } from 'keyhaven/crypto'
import { KeyhavenError } from 'keyhaven'
import type { Registration } from 'keyhaven/recovery/realm'
import { Refusal } from '../http/refusal.ts'
import type { Epoch, RealmDatabase } from './epochs.ts'
import { beginEpoch, readEpochs } from './epochs.ts'
import type { RegistrationSeal, SealedFor } from './seal.ts'
import { createRegistrationSeal, keyIdOf } from './seal.ts'
import type { SealKeySource } from './seal-keys/source.ts'
import { deriveKeyId } from './seal-keys/source.ts'

export interface RealmSeals {
  /** Seals under the epoch that was the current one when this process last looked. */
  seal(owner: SealedFor, registration: Registration): Promise<Uint8Array>
  /** As `RegistrationSeal.open`, by whichever key the envelope names; a refusal `ERR_SEAL_KEY_MISSING` where it is not here. */
  open(owner: SealedFor, sealed: Uint8Array): Promise<Registration>
  /** Refuses with `ERR_SEAL_KEY_MISSING` what `open` could not open. */
  require(sealed: Uint8Array): Promise<void>
  /** Looks which epoch is the current one, takes keys that are new and forgets those that were destroyed. */
  follow(): Promise<void>
  readonly source: SealKeySource
}

export interface SealsInput {
  readonly database: RealmDatabase
  readonly source: SealKeySource
  readonly realmId: Uint8Array
}

/**
 * Reads the keys, begins the first epoch of a new database, and refuses one with records that they do not open:
 * `ERR_START_REFUSED`.
 */
export async function openSeals(input: SealsInput): Promise<RealmSeals> {
  const { database, source } = input
  const keyring = createKeyring(input)
  await keyring.load()
  if ((await readEpochs(database)).length === 0) await beginFirstEpoch(input)
  await keyring.load()
  const epochs = await readEpochs(database)
  requireKeys(epochs, keyring)
  let current = currentOf(epochs)
  const need = async (keyId: Uint8Array): Promise<RegistrationSeal> => {
    if (keyring.find(keyId) === undefined) await keyring.load()
    const seal = keyring.find(keyId)
    if (seal === undefined) throw new Refusal('ERR_SEAL_KEY_MISSING')
    return seal
  }
  return {
    source,
    seal: async (owner, registration) => (await need(current)).seal(owner, registration),
    open: async (owner, sealed) => (await need(keyIdOf(sealed))).open(owner, sealed),
    require: async (sealed) => {
      await need(keyIdOf(sealed))
    },
    follow: async () => {
      await keyring.load()
      current = currentOf(await readEpochs(database))
    },
  }
}

interface Keyring {
  /** Reads the keys anew; what is not there any more is forgotten. */
  load(): Promise<void>
  find(keyId: Uint8Array): RegistrationSeal | undefined
}

function createKeyring({ source, realmId }: SealsInput): Keyring {
  let seals: ReadonlyMap<string, RegistrationSeal> = new Map()
  return {
    load: async () => {
      const keys = await source.read()
      seals = new Map(
        keys.map((sealKey) => {
          const id = toHex(deriveKeyId(sealKey))
          return [id, seals.get(id) ?? createRegistrationSeal({ sealKey, realmId })]
        }),
      )
    },
    find: (keyId) => seals.get(toHex(keyId)),
  }
}

/** The first server of a database makes the first key, or takes the one that is there; of several, the first one's counts. */
async function beginFirstEpoch({ database, source }: SealsInput): Promise<void> {
  const sealKey = (await source.read()).at(-1) ?? (await source.make?.())
  if (sealKey === undefined) refuse('There is no key to seal the realm’s records under.')
  await beginEpoch(database, { after: undefined, keyId: deriveKeyId(sealKey) })
}

function requireKeys(epochs: readonly Epoch[], keyring: Keyring): void {
  const inUse = epochs.filter(({ emptiedAt }) => emptiedAt === undefined)
  const missing = inUse.find(({ keyId }) => keyring.find(keyId) === undefined)
  if (missing === undefined) return
  refuse(
    `Realm records are sealed under the key ${toHex(missing.keyId)}, which is not among the keys here. Bring it back; if it was destroyed, the database is an older copy of itself: see “A restored backup” in docs/operations.md.`,
  )
}

function currentOf(epochs: readonly Epoch[]): Uint8Array {
  const current = epochs.find(({ retiredAt }) => retiredAt === undefined)
  if (current === undefined) refuse('The database has no current epoch; its schema was changed by hand.')
  return current.keyId
}

function refuse(problem: string): never {
  throw new KeyhavenError('ERR_START_REFUSED', { problem })
}
