/** All records of a realm or of one tenant, read without writing anything, and the keys that open them. */
import { equal } from 'keyhaven/crypto'
import { isKeyhavenError } from 'keyhaven'
import type { Registration } from 'keyhaven/recovery/realm'
import type { RealmDatabase } from '../epochs.ts'
import type { ListedRecord } from '../records.ts'
import { listRecords } from '../records.ts'
import type { RegistrationSeal } from '../seal.ts'
import { createRegistrationSeal, keyIdOf } from '../seal.ts'
import type { SealKeySource } from '../seal-keys/source.ts'

/** No record has the hash of nothing that is known. */
export const NO_RECORD: Uint8Array = new Uint8Array(32)

/** Record after record in the order of their ids, a few at a time. */
export async function* readRecords(
  database: RealmDatabase,
  tenant?: string,
): AsyncGenerator<ListedRecord, void> {
  let after: Uint8Array = new Uint8Array()
  for (;;) {
    const { records, last } = await database.withRealmRecord(NO_RECORD, async (transaction) => {
      await transaction.query('SET TRANSACTION READ ONLY')
      return listRecords(transaction, { after, tenant })
    })
    yield* records
    if (last) return
    after = records.at(-1)?.recordId ?? after
  }
}

/** What a record's sealed part is worth here. `none`: the record has none. */
export type Opened =
  | { readonly status: 'opened'; readonly registration: Registration }
  | { readonly status: 'none' | 'damaged' | 'key-missing' }

/** Opens sealed parts by whichever of the keys each names. */
export async function createOpener(input: {
  readonly source: SealKeySource
  readonly realmId: Uint8Array
}): Promise<(record: ListedRecord) => Promise<Opened>> {
  const { source, realmId } = input
  const keys = (await source.read()).map((sealKey) => createRegistrationSeal({ sealKey, realmId }))
  return async ({ recordId, record, sealed }) => {
    if (record.state !== 'registered' || sealed === undefined) return { status: 'none' }
    const key = keys.find(({ keyId }) => equal(keyId, keyIdOf(sealed)))
    if (key === undefined) return { status: 'key-missing' }
    return open(key, { recordId, version: record.version }, sealed)
  }
}

async function open(
  key: RegistrationSeal,
  owner: Parameters<RegistrationSeal['open']>[0],
  sealed: Uint8Array,
): Promise<Opened> {
  try {
    return { status: 'opened', registration: await key.open(owner, sealed) }
  } catch (fault) {
    if (isKeyhavenError(fault)) return { status: 'damaged' }
    throw fault
  }
}
