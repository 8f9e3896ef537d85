/**
 * What a thief of whole realms, their seal keys included, can make of PINs: nothing below the threshold, and everything,
 * at the PIN hash's price, from the threshold on.
 */
import { beforeAll, expect, test } from 'vitest'
import { equal, loadArgon2id, randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import { register } from 'keyhaven/recovery'
import { loadGroupLibsodium } from '../packages/server/src/realm/group-libsodium.ts'
import { createRegistrationSeal } from '../packages/server/src/realm/seal.ts'
import { environmentSealKeys } from '../packages/server/src/realm/seal-keys/environment.ts'
import {
  acmeTransport,
  openTestSeals,
  ourConfiguration,
  startTestRealm,
} from '../packages/server/src/realm/testing/realm-server.ts'
import type { TestRealm } from '../packages/server/src/realm/testing/realm-server.ts'
import { deriveRecordId } from '../packages/server/src/realm/token.ts'
import { searchPins } from './testing/share-thief.ts'
import type { StolenRecord, Theft } from './testing/share-thief.ts'

const PIN = '493817'
const INFO = utf8('artemis')
const ALL = process.env['KEYHAVEN_SOAK'] === '1'
/** A million PINs at a millisecond each, on a busy machine. */
const ALL_MS = 7_200_000

interface RobbedRealm extends TestRealm {
  readonly sealKey: Uint8Array
}

let realms: readonly RobbedRealm[] = []
let parts: Pick<Theft, 'group' | 'argon2id' | 'userInfo'>

beforeAll(async () => {
  realms = await Promise.all(Array.from({ length: 3 }, startRealm))
  parts = { group: await loadGroupLibsodium(), argon2id: await loadArgon2id(), userInfo: INFO }
})

async function startRealm(): Promise<RobbedRealm> {
  const sealKey = randomBytes(32)
  const realm = await startTestRealm({
    prepare: (database, realmId) => openTestSeals(database, realmId, environmentSealKeys([sealKey])),
  })
  return { ...realm, sealKey }
}

/** The right PIN among others: all of six digits in the soak, else the hundred around it. */
function* pins(): Generator<Uint8Array> {
  const first = ALL ? 0 : Number(PIN) - 50
  const count = ALL ? 1_000_000 : 100
  for (let pin = first; pin < first + count; pin += 1) yield utf8(String(pin).padStart(6, '0'))
}

/** Registers at the realms and takes what `robbed` of them have of it. */
async function steal(
  used: readonly RobbedRealm[],
  threshold: number,
  robbed: readonly RobbedRealm[],
): Promise<Theft> {
  const subject = toHex(randomBytes(16))
  const configuration = ourConfiguration(used, threshold)
  const transport = acmeTransport(subject)
  const secret = randomBytes(32)
  await register({ configuration, transport, userInfo: INFO, pin: utf8(PIN), secret, numGuesses: 3 })
  const recordId = deriveRecordId({ tenant: 'acme', subject, context: undefined })
  const indexOf = (id: Uint8Array): number =>
    configuration.realms.findIndex((realm) => equal(realm.id, id)) + 1
  const records = robbed.map((realm) => takeRecord(realm, recordId, indexOf(realm.id)))
  return { ...parts, records: await Promise.all(records) }
}

async function takeRecord(realm: RobbedRealm, recordId: Uint8Array, index: number): Promise<StolenRecord> {
  const [row] = await realm.database.asSuperuser<{
    version: Uint8Array
    sealed: Uint8Array
    unlock_key_tag_hash: Uint8Array
  }>('SELECT version, sealed, unlock_key_tag_hash FROM realm.records WHERE record_id = $1', [recordId])
  if (row === undefined) throw new Error('The realm has no record.')
  const version = new Uint8Array(row.version)
  const seal = createRegistrationSeal({ sealKey: realm.sealKey, realmId: realm.id })
  const registration = await seal.open({ recordId, version }, new Uint8Array(row.sealed))
  const unlockKeyTagHash = new Uint8Array(row.unlock_key_tag_hash)
  return { realmId: realm.id, index, version, unlockKeyTagHash, registration }
}

test(
  'one realm of three, stolen whole, tells no PIN from another',
  async () => {
    const theft = await steal(realms, 2, realms.slice(1, 2))
    expect(await searchPins(theft, pins())).toEqual([])
  },
  ALL_MS,
)

test('two of three, stolen whole, tell the PIN', async () => {
  const theft = await steal(realms, 2, realms.slice(1, 3))
  expect(await searchPins(theft, [utf8('493816'), utf8(PIN), utf8('493818')])).toEqual([utf8(PIN)])
})

test('the only realm of a user, stolen whole, tells the PIN', async () => {
  const used = realms.slice(0, 1)
  const theft = await steal(used, 1, used)
  expect(await searchPins(theft, [utf8('493816'), utf8(PIN), utf8('493818')])).toEqual([utf8(PIN)])
})
