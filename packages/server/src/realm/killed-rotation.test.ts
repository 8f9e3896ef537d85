import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseHex, randomBytes, utf8 } from 'keyhaven/crypto'
import { recover, register } from 'keyhaven/recovery'
import { LENGTHS } from 'keyhaven/recovery/realm'
import type { RegisteredRecord, Registration } from 'keyhaven/recovery/realm'
import type { ServerProcess } from '../testing/server-process.ts'
import { readEpochs } from './epochs.ts'
import { createOpener, readRecords } from './operator/records.ts'
import { writeRecord } from './records.ts'
import { fileSealKeys } from './seal-keys/files.ts'
import { openSeals } from './seals.ts'
import type { Fleet } from './testing/server-fleet.ts'
import { configurationOf, createFleet, fleetTransport, freshSubject } from './testing/server-fleet.ts'

const KILLS = process.env['KEYHAVEN_SOAK'] === '1' ? 20 : 1
const RECORDS = 60

const folder = mkdtempSync(join(tmpdir(), 'keyhaven-rotation-'))
const path = join(folder, 'seal.key')
let fleet: Fleet

beforeAll(async () => {
  writeFileSync(path, randomBytes(32), { mode: 0o600 })
  fleet = await createFleet({ KEYHAVEN_REALM_SEAL_KEY_FILE: path })
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Random bytes of the right lengths: only sealing is looked at here. */
function randomRegistration(): Registration {
  return {
    oprfPrivateKey: randomBytes(LENGTHS.scalar),
    signedPublicKey: {
      publicKey: randomBytes(LENGTHS.point),
      verifyingKey: randomBytes(LENGTHS.verifyingKey),
      signature: randomBytes(LENGTHS.signature),
    },
    unlockKeyCommitment: randomBytes(LENGTHS.unlockKeyCommitment),
    encryptionKeyShare: randomBytes(LENGTHS.scalar),
    encryptedSecret: randomBytes(LENGTHS.encryptedSecret),
    encryptedSecretCommitment: randomBytes(LENGTHS.encryptedSecretCommitment),
  }
}

async function fillRealm(realmId: Uint8Array): Promise<void> {
  const { database } = fleet.database
  const seals = await openSeals({ database, realmId, source: fileSealKeys(path, { named: true }) })
  for (let count = 0; count < RECORDS; count += 1) {
    const [recordId, version] = [randomBytes(32), randomBytes(16)]
    const record: RegisteredRecord = {
      state: 'registered',
      version,
      numGuesses: 3,
      guessCount: 0,
      unlockKeyTagHash: randomBytes(32),
      charged: [],
      lastAttemptUntil: undefined,
      spent: { day: 0, evaluations: 0 },
      guard: undefined,
    }
    const sealed = await seals.seal({ recordId, version }, randomRegistration())
    await database.withRealmRecord(recordId, (transaction) => {
      writeRecord(
        transaction,
        { recordId, tenant: 'acme' },
        { before: { record: { state: 'not-registered' }, sealed: undefined }, after: { record, sealed } },
      )
    })
  }
}

/** As if the current epoch had begun long ago: the next server to start begins another. */
async function ageEpoch(): Promise<void> {
  await fleet.database.asSuperuser(
    "UPDATE realm.epochs SET began_at = began_at - interval '8 days' WHERE retired_at IS NULL",
  )
}

/** Locks one record, neither the first nor the last, so that whoever seals all anew stops there for a while. */
async function holdRecord(): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: fleet.database.superuserUrl })
  await client.connect()
  const place = 1 + Math.floor(Math.random() * (RECORDS - 2))
  await client.query('BEGIN')
  await client.query(
    `SELECT FROM realm.records WHERE record_id =
       (SELECT record_id FROM realm.records ORDER BY record_id OFFSET ${String(place)} LIMIT 1) FOR UPDATE`,
  )
  return () => client.end()
}

/** How many records open with the keys that are left, and under how many keys they are. */
async function look(realmId: Uint8Array): Promise<{ readonly opened: number; readonly keys: number }> {
  const open = await createOpener({ source: fileSealKeys(path, { named: true }), realmId })
  let opened = 0
  for await (const record of readRecords(fleet.database.database)) {
    if ((await open(record)).status === 'opened') opened += 1
  }
  const keys = await fleet.database.asSuperuser('SELECT DISTINCT key_id FROM realm.records')
  return { opened, keys: keys.length }
}

it(`a server that is killed while it seals records anew (${KILLS}×) loses none, and the next one goes on`, async () => {
  const first = await fleet.start()
  const realmId = parseHex(first.realmId, 'realmId', 16)
  const [transport, secret] = [fleetTransport(fleet, freshSubject()), randomBytes(8)]
  const optionsAt = (server: ServerProcess) =>
    ({ configuration: configurationOf(server), transport, userInfo: utf8('person') }) as const
  await register({ ...optionsAt(first), pin: utf8('493817'), secret, numGuesses: 5 })
  await recover({ ...optionsAt(first), pin: utf8('000000') })
  await fillRealm(realmId)
  first.kill('SIGTERM')
  await first.exited
  for (let kill = 0; kill < KILLS; kill += 1) {
    await ageEpoch()
    const release = await holdRecord()
    const server = await fleet.start()
    await expect.poll(async () => (await look(realmId)).keys).toBeGreaterThan(1)
    server.kill('SIGKILL')
    await server.exited
    await release()
    const { opened, keys } = await look(realmId)
    expect(opened).toBe(RECORDS + 1)
    expect(keys).toBeGreaterThan(1)
  }
  const last = await fleet.start()
  const unfinished = async (): Promise<number> =>
    (await readEpochs(fleet.database.database)).filter(({ emptiedAt }) => emptiedAt === undefined).length
  await expect.poll(unfinished).toBe(1)
  expect(await look(realmId)).toEqual({ opened: RECORDS + 1, keys: 1 })
  const person = optionsAt(last)
  expect(await recover({ ...person, pin: utf8('000000') })).toMatchObject({ guessesRemaining: 3 })
  expect(await recover({ ...person, pin: utf8('493817') })).toMatchObject({ status: 'recovered', secret })
})
