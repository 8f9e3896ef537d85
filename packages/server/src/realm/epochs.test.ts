import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { isKeyhavenError } from 'keyhaven'
import { randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import { recover, register } from 'keyhaven/recovery'
import type { LogFields } from '../log/log.ts'
import { createTestDatabase } from '../testing/database.ts'
import type { TestDatabase } from '../testing/database.ts'
import { beginEpoch, readEpochs } from './epochs.ts'
import { resealRecords } from './reseal.ts'
import { keepEpochs, resealEnded, rotateEpoch } from './sealing.ts'
import { environmentSealKeys, parseSealKeys } from './seal-keys/environment.ts'
import { fileSealKeys } from './seal-keys/files.ts'
import type { SealKeySource } from './seal-keys/source.ts'
import { deriveKeyId } from './seal-keys/source.ts'
import { parseTokenAddress } from './seal-keys/token-address.ts'
import type { RealmSeals } from './seals.ts'
import { openSeals } from './seals.ts'
import { acmeTransport, openTestSeals, ourConfiguration, startTestRealm } from './testing/realm-server.ts'
import type { TestRealm } from './testing/realm-server.ts'

const DAY_MS = 86_400_000
const TERMS = { epochMs: 7 * DAY_MS, backupMs: 30 * DAY_MS }
const PIN = utf8('493817')
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-seals-'))
  folders.push(folder)
  return folder
}

let test: TestDatabase
let folder: string
let source: SealKeySource
let seals: RealmSeals
let realm: TestRealm
const logged: LogFields[] = []
const log = {
  info: (fields: LogFields) => logged.push(fields),
  error: (fields: LogFields) => logged.push(fields),
}

/** A realm whose keys are files, as a server's are by default. */
beforeEach(async () => {
  logged.length = 0
  folder = newFolder()
  source = fileSealKeys(join(folder, 'realm-seal.key'), { named: false })
  realm = await startTestRealm({
    prepare: async (database, realmId) => {
      test = database
      return (seals = await openTestSeals(database, realmId, source))
    },
  })
})

function input(): { database: TestDatabase['database']; seals: RealmSeals; log: typeof log } {
  return { database: test.database, seals, log }
}

/** A round of what a server does every minute, some days from now. */
function keepIn(days: number): Promise<void> {
  return keepEpochs({ ...input(), terms: TERMS, now: new Date(Date.now() + days * DAY_MS) })
}

interface Person {
  readonly options: Parameters<typeof recover>[0]
  readonly secret: Uint8Array
}

async function registerPerson(): Promise<Person> {
  const options = {
    configuration: ourConfiguration([realm], 1),
    transport: acmeTransport(toHex(randomBytes(8))),
    userInfo: utf8('person'),
    pin: PIN,
  }
  const secret = randomBytes(8)
  await register({ ...options, secret, numGuesses: 5 })
  return { options, secret }
}

/** Registers anew, three times with success; a busy machine may be late for a client, who then tries again. */
async function renewUntilThrice(options: Person['options']): Promise<void> {
  for (let done = 0; done < 3;) {
    const renewed = await register({ ...options, secret: randomBytes(8), numGuesses: 5 }).catch(
      (fault: unknown) => {
        if (!isKeyhavenError(fault, 'ERR_REALMS_UNAVAILABLE')) throw fault
      },
    )
    if (renewed !== undefined) done += 1
  }
}

async function usedKeys(): Promise<string[]> {
  const rows = await test.asSuperuser<{ key: string }>(
    "SELECT DISTINCT encode(key_id, 'hex') AS key FROM realm.records ORDER BY 1",
  )
  return rows.map(({ key }) => key)
}

async function currentKey(): Promise<string> {
  const current = (await readEpochs(test.database)).find(({ retiredAt }) => retiredAt === undefined)
  return toHex(current?.keyId ?? new Uint8Array())
}

describe('an epoch', () => {
  it('ends when it is time; its records are sealed anew, keep their counts, and its key goes after the last backup', async () => {
    const { options, secret } = await registerPerson()
    expect(await recover({ ...options, pin: utf8('000000') })).toMatchObject({ guessesRemaining: 4 })
    const [before] = await test.asSuperuser('SELECT guess_count, updated_at FROM realm.records')
    const first = await currentKey()
    await keepIn(6)
    expect(await currentKey()).toBe(first)
    await keepIn(8)
    const second = await currentKey()
    expect(second).not.toBe(first)
    expect(await usedKeys()).toEqual([second])
    expect(await test.asSuperuser('SELECT guess_count, updated_at FROM realm.records')).toEqual([before])
    await keepEpochs({
      ...input(),
      terms: { ...TERMS, epochMs: undefined },
      now: new Date(Date.now() + 29 * DAY_MS),
    })
    expect(readdirSync(folder).sort()).toEqual([`realm-seal-${second}.key`, 'realm-seal.key'])
    await keepEpochs({
      ...input(),
      terms: { ...TERMS, epochMs: undefined },
      now: new Date(Date.now() + 31 * DAY_MS),
    })
    expect(readdirSync(folder)).toEqual([`realm-seal-${second}.key`])
    expect(logged.map(({ event }) => event)).toEqual([
      'realm_epoch_began',
      'realm_epoch_emptied',
      'realm_key_destroyed',
    ])
    expect(await recover(options)).toMatchObject({ status: 'recovered', secret })
    expect(await openSeals({ database: test.database, realmId: realm.id, source })).toBeDefined()
  })

  it('whose key is destroyed opens its old records for nobody: not from a backup, nor with every key that is left', async () => {
    const { options } = await registerPerson()
    const [old] = await test.asSuperuser<{ record_id: Buffer; version: Buffer; sealed: Buffer }>(
      'SELECT record_id, version, sealed FROM realm.records',
    )
    if (old === undefined) throw new Error('Nothing was stored.')
    const owner = { recordId: new Uint8Array(old.record_id), version: new Uint8Array(old.version) }
    const key = readFileSync(join(folder, 'realm-seal.key'))
    expect(await seals.open(owner, new Uint8Array(old.sealed))).toHaveProperty('oprfPrivateKey')
    await keepIn(8)
    await keepIn(40)
    const kept = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
    expect(kept.some((bytes) => bytes.includes(key))).toBe(false)
    const afresh = await openSeals({ database: test.database, realmId: realm.id, source })
    await expect(afresh.open(owner, new Uint8Array(old.sealed))).rejects.toMatchObject({
      code: 'ERR_SEAL_KEY_MISSING',
    })
    // Nor when the envelope is made to name a key that is left.
    const renamed = new Uint8Array(old.sealed)
    renamed.set(Buffer.from(await currentKey(), 'hex'), 1)
    await expect(afresh.open(owner, renamed)).rejects.toMatchObject({ code: 'ERR_ENVELOPE_REJECTED' })
    // The backup is restored: rows and epochs as they were.
    await test.asSuperuser('UPDATE realm.records SET sealed = $1', [old.sealed])
    await test.asSuperuser('DELETE FROM realm.epochs WHERE key_id <> $1', [old.sealed.subarray(1, 9)])
    await test.asSuperuser(
      'UPDATE realm.epochs SET retired_at = NULL, emptied_at = NULL, destroyed_at = NULL',
    )
    await expect(openSeals({ database: test.database, realmId: realm.id, source })).rejects.toMatchObject({
      code: 'ERR_START_REFUSED',
      details: {
        problem: expect.stringContaining(toHex(new Uint8Array(old.sealed.subarray(1, 9)))) as string,
      },
    })
    await expect(recover(options)).rejects.toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE' })
    expect(await test.asSuperuser('SELECT guess_count FROM realm.records')).toEqual([{ guess_count: 0 }])
  })

  it('is followed by a server that did not begin it, in the middle of requests, and nothing is left under the old key', async () => {
    const people = [await registerPerson(), await registerPerson(), await registerPerson()]
    const other = await openSeals({ database: test.database, realmId: realm.id, source })
    const others = { ...input(), seals: other }
    // As many at once as the pool has connections for, so that nobody waits for one on a busy machine.
    const requests = Promise.all(people.map(({ options }) => renewUntilThrice(options)))
    for (let rotation = 0; rotation < 3; rotation += 1) {
      expect(await rotateEpoch(others)).toBe(true)
      await Promise.all([resealEnded(others), resealEnded(input())])
    }
    await requests
    await keepIn(0)
    expect(await usedKeys()).toEqual([await currentKey()])
    const left = (await readEpochs(test.database)).filter(({ emptiedAt }) => emptiedAt === undefined)
    expect(left).toHaveLength(1)
    for (const { options } of people) expect(await recover(options)).toMatchObject({ status: 'recovered' })
  })

  it('begins once however many servers begin it at once, and what they made in vain is used next', async () => {
    const [first] = await readEpochs(test.database)
    const after = first?.keyId
    const began = await Promise.all(Array.from({ length: 5 }, () => rotateEpoch({ ...input(), after })))
    expect(began.filter(Boolean)).toHaveLength(1)
    expect(await readEpochs(test.database)).toHaveLength(2)
    const files = readdirSync(folder).length
    expect(await rotateEpoch(input())).toBe(true)
    expect(readdirSync(folder).length).toBe(Math.max(files, 3))
  })

  it('does not end while a record of it does not open; the others are sealed anew, and the log says how many do not', async () => {
    await registerPerson()
    await registerPerson()
    await test.asSuperuser(
      `UPDATE realm.records SET sealed = overlay(sealed PLACING 'x'::bytea FROM 100)
       WHERE record_id = (SELECT min(record_id::text)::bytea FROM realm.records)`,
    )
    await rotateEpoch(input())
    expect(await resealEnded(input())).toEqual({ resealed: 1, unopened: 1 })
    expect(logged.at(-1)).toMatchObject({ event: 'realm_records_damaged', count: 1 })
    expect((await readEpochs(test.database))[0]?.emptiedAt).toBeUndefined()
  })

  it('may be left in the middle of sealing anew and gone on with', async () => {
    for (let person = 0; person < 3; person += 1) await registerPerson()
    const [first] = await readEpochs(test.database)
    await rotateEpoch(input())
    const keyId = first?.keyId ?? new Uint8Array()
    const stopped = await resealRecords({ ...input(), keyId, signal: AbortSignal.abort() })
    expect(stopped.resealed).toBe(0)
    expect(await resealEnded(input())).toEqual({ resealed: 3, unopened: 0 })
  })

  it('cannot be begun in the place of one that is not the current one', async () => {
    const after = randomBytes(8)
    expect(await beginEpoch(test.database, { after, keyId: randomBytes(8) })).toBe(false)
    expect(await beginEpoch(test.database, { after: undefined, keyId: randomBytes(8) })).toBe(false)
  })
})

describe('keys from the environment', () => {
  it('are made by the operator: no epoch begins by time, and one begins under a new key in the last place', async () => {
    const database = await createTestDatabase()
    const realmId = randomBytes(16)
    const keys = [randomBytes(32)]
    const added = environmentSealKeys(keys)
    const opened = await openSeals({ database: database.database, realmId, source: added })
    const parts = { database: database.database, seals: opened, log }
    await keepEpochs({ ...parts, terms: TERMS, now: new Date(Date.now() + 100 * DAY_MS) })
    keys.unshift(randomBytes(32))
    await keepEpochs({ ...parts, terms: TERMS, now: new Date() })
    expect(await readEpochs(database.database)).toHaveLength(1)
    keys.reverse()
    await keepEpochs({ ...parts, terms: TERMS, now: new Date() })
    expect((await readEpochs(database.database)).map(({ keyId }) => keyId)).toEqual(keys.map(deriveKeyId))
  })

  it('are different keys of 64 hex digits', () => {
    const key = 'ab'.repeat(32)
    expect(parseSealKeys(` ${key} , ${'cd'.repeat(32)}`, 'X')).toHaveLength(2)
    for (const text of ['', key.slice(1), `${key},`, `${key},${key.toUpperCase()}`, `${key} ${key}`]) {
      expect(() => parseSealKeys(text, 'X')).toThrow('A setting is unknown or malformed.')
    }
  })
})

describe('keys in files', () => {
  it('are refused under a name that is not theirs, open to others, or cut short; what is no key of ours is left alone', async () => {
    writeFileSync(join(folder, 'realm-seal-notes.key'), 'not ours')
    expect(await source.read()).toHaveLength(1)
    const stray = join(folder, `realm-seal-${'0'.repeat(16)}.key`)
    for (const [bytes, mode] of [
      [randomBytes(32), 0o600],
      [randomBytes(31), 0o600],
      [randomBytes(32), 0o644],
    ] as const) {
      writeFileSync(stray, bytes)
      chmodSync(stray, mode)
      expect(() => source.read()).toThrow('A setting is unknown or malformed.')
    }
  })

  it('that the operator named are his to make', async () => {
    const named = fileSealKeys(join(newFolder(), 'seal.key'), { named: true })
    expect(() => named.read()).toThrow('A setting is unknown or malformed.')
    const database = (await createTestDatabase()).database
    await expect(openSeals({ database, realmId: realm.id, source: named })).rejects.toMatchObject({
      code: 'ERR_SETTING_INVALID',
    })
  })

  it('that are lost stop the start, and none is made in their place', async () => {
    rmSync(join(folder, 'realm-seal.key'))
    await expect(openSeals({ database: test.database, realmId: realm.id, source })).rejects.toMatchObject({
      code: 'ERR_START_REFUSED',
    })
    expect(existsSync(join(folder, 'realm-seal.key'))).toBe(false)
  })
})

describe('the address of a token', () => {
  it('is a URI of RFC 7512 with label, module and a file for the PIN, and nothing else', () => {
    const address =
      'pkcs11:token=My%20keys?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:///etc/pin'
    expect(parseTokenAddress(address, 'X')).toEqual({
      label: 'My keys',
      modulePath: '/usr/lib/softhsm/libsofthsm2.so',
      pinFile: '/etc/pin',
    })
    for (const wrong of [
      'pkcs11:token=a',
      'pkcs11:token=a?module-path=/m&pin-value=1234',
      'pkcs11:token=a?module-path=m&pin-source=/p',
      'pkcs11:token=a;object=b?module-path=/m&pin-source=/p',
      'pkcs11:token=%?module-path=/m&pin-source=/p',
      'http://x',
    ]) {
      expect(() => parseTokenAddress(wrong, 'X'), wrong).toThrow('A setting is unknown or malformed.')
    }
  })
})
