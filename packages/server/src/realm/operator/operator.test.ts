import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Decrypter, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import { recover, register } from 'keyhaven/recovery'
import type { RecoverOutcome } from 'keyhaven/recovery'
import { fileSealKeys } from '../seal-keys/files.ts'
import { acmeTransport, openTestSeals, ourConfiguration, startTestRealm } from '../testing/realm-server.ts'
import type { TestRealm } from '../testing/realm-server.ts'
import type { ExportInput, ExportOutcome } from './export-tenant.ts'
import { exportTenant } from './export-tenant.ts'
import { importTenant } from './import-tenant.ts'
import type { ImportOutcome } from './import-tenant.ts'
import type { RealmOperator } from './operator.ts'
import { rotateRealm } from './rotate.ts'
import { readRealmStatus } from './status.ts'
import { departTenant, forgetTenant, takeTenantBack } from './tenants.ts'
import { verifyRealm } from './verify.ts'

const PIN = utf8('493817')
const WRONG = utf8('000000')
const folder = mkdtempSync(join(tmpdir(), 'keyhaven-operator-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** A realm that answers requests, and its operator. */
interface Place {
  readonly realm: TestRealm
  readonly operator: RealmOperator
}

const identity = await generateIdentity()
const recipient = await identityToRecipient(identity)
let here: Place
beforeEach(async () => {
  here = await openPlace()
})

async function openPlace(realmId: Uint8Array = randomBytes(16)): Promise<Place> {
  const path = join(folder, `${toHex(randomBytes(8))}.key`)
  const source = fileSealKeys(path, { named: false })
  const realm = await startTestRealm({
    realmId,
    prepare: (database, id) => openTestSeals(database, id, source),
  })
  const settings: RealmOperator['settings'] = {
    dataDirectory: folder,
    database: undefined,
    realmId,
    keyFiles: { phoneKey: undefined, tokenKey: undefined, chainKey: undefined },
    sealKeys: { kind: 'files', path },
    epochs: { epochMs: undefined, backupMs: 1 },
    journal: undefined,
  }
  const { database } = realm.database
  return {
    realm,
    operator: { settings, database, realmId, journal: undefined, close: () => Promise.resolve() },
  }
}

interface Person {
  readonly subject: string
  readonly secret: Uint8Array
}

async function registerAt({ realm }: Place, numGuesses = 5): Promise<Person> {
  const [subject, secret] = [toHex(randomBytes(8)), randomBytes(8)]
  const options = { configuration: ourConfiguration([realm], 1), transport: acmeTransport(subject) }
  await register({ ...options, userInfo: utf8('person'), pin: PIN, secret, numGuesses })
  return { subject, secret }
}

function recoverAt({ realm }: Place, { subject }: Person, pin: Uint8Array = PIN): Promise<RecoverOutcome> {
  const options = { configuration: ourConfiguration([realm], 1), transport: acmeTransport(subject) }
  return recover({ ...options, userInfo: utf8('person'), pin })
}

function newFile(): string {
  return join(folder, toHex(randomBytes(8)))
}

function exportFrom(place: Place, file: string, change: Partial<ExportInput> = {}): Promise<ExportOutcome> {
  return exportTenant(place.operator, { tenant: 'acme', recipient, file, again: false, ...change })
}

function importAt(place: Place, file: string, key: string = identity): Promise<ImportOutcome> {
  return importTenant(place.operator, { file, identity: key })
}

async function contents({ realm }: Place): Promise<readonly unknown[]> {
  return realm.database.asSuperuser(
    'SELECT record_id, tenant, state, version, guess_count, charged, last_attempt_until FROM realm.records ORDER BY 1',
  )
}

async function decisions({ realm }: Place): Promise<readonly unknown[]> {
  return realm.database.asSuperuser('SELECT decision FROM realm.decisions ORDER BY sequence')
}

describe('a tenant that moves', () => {
  it('takes every guess that was used along, is answered for at one place only, and may come back', async () => {
    const there = await openPlace(here.realm.id)
    const [guessed, lost, calm] = [await registerAt(here), await registerAt(here, 1), await registerAt(here)]
    for (const person of [guessed, guessed, lost]) {
      expect(await recoverAt(here, person, WRONG)).toMatchObject({ status: 'wrong-pin' })
    }
    const before = await contents(here)
    const file = newFile()
    const exported = await exportFrom(here, file)
    expect(exported).toMatchObject({ status: 'exported', records: 3 })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await expect(recoverAt(here, calm)).rejects.toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE' })
    expect(await contents(here)).toEqual(before)

    const imported = await importAt(there, file)
    expect(imported).toEqual({ ...exported, status: 'imported', tenant: 'acme' })
    expect(await contents(there)).toEqual(before)
    expect(await recoverAt(there, guessed, WRONG)).toMatchObject({ status: 'wrong-pin', guessesRemaining: 2 })
    expect(await recoverAt(there, lost)).toMatchObject({ status: 'locked' })
    expect(await recoverAt(there, calm)).toMatchObject({ status: 'recovered', secret: calm.secret })

    for (const place of [there, here]) expect((await importAt(place, file)).status).toBe('here-already')
    expect(await takeTenantBack(there.operator, 'acme')).toBe(false)
    expect(await forgetTenant(here.operator, 'acme')).toBe(3)
    expect(await contents(here)).toEqual([])
    await expect(recoverAt(here, calm)).rejects.toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE' })

    const back = newFile()
    await exportFrom(there, back)
    expect((await importAt(here, file)).status).toBe('here-already')
    expect((await importAt(here, back)).status).toBe('imported')
    expect(await recoverAt(here, guessed)).toMatchObject({ status: 'recovered', secret: guessed.secret })
    expect(await decisions(here)).toEqual(
      ['tenant-exported', 'tenant-forgotten', 'tenant-imported'].map((decision) => ({ decision })),
    )
  })

  it('is let go only where all of it opens and all of it is known, and to a key that is one', async () => {
    const person = await registerAt(here)
    const { asSuperuser } = here.realm.database
    await expect(exportFrom(here, newFile(), { recipient: 'age1nobody' })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    })
    expect(await exportFrom(here, newFile(), { tenant: 'other' })).toEqual({ status: 'no-records' })
    expect(await exportFrom(here, newFile(), { again: true })).toEqual({ status: 'not-exported' })
    await asSuperuser('UPDATE realm.records SET tenant = NULL')
    expect(await exportFrom(here, newFile())).toEqual({ status: 'unattributed', count: 1 })
    expect(await recoverAt(here, person)).toMatchObject({ status: 'recovered' })
    await asSuperuser("UPDATE realm.records SET sealed = overlay(sealed PLACING 'x'::bytea FROM 100)")
    expect(await exportFrom(here, newFile())).toEqual({ status: 'damaged', count: 1 })
    expect(await decisions(here)).toEqual([])
  })

  it('stays exported when the file cannot be made, until it is made again or taken back', async () => {
    const person = await registerAt(here)
    const taken = newFile()
    writeFileSync(taken, 'somebody’s')
    await expect(exportFrom(here, taken)).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    expect(readFileSync(taken, 'utf8')).toBe('somebody’s')
    await expect(recoverAt(here, person)).rejects.toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE' })
    expect(await exportFrom(here, newFile())).toEqual({ status: 'exported-before' })
    expect(await exportFrom(here, newFile(), { again: true })).toMatchObject({ records: 1 })
    expect(await takeTenantBack(here.operator, 'acme')).toBe(true)
    expect(await forgetTenant(here.operator, 'acme')).toBeUndefined()
    expect(await recoverAt(here, person)).toMatchObject({ status: 'recovered', secret: person.secret })
  })

  it('has no guess counted any more once its departure returns, however many are under way', async () => {
    const people = await Promise.all(Array.from({ length: 4 }, () => registerAt(here)))
    const guesses = Promise.allSettled(
      [...people, ...people, ...people].map((person) => recoverAt(here, person, WRONG)),
    )
    await departTenant(here.operator.database, { tenant: 'acme', again: false })
    const then = await contents(here)
    await guesses
    expect(await contents(here)).toEqual(then)
  })
})

describe('a file of a tenant', () => {
  it('that was altered, cut short, made for another key or for another realm changes nothing', async () => {
    const there = await openPlace(here.realm.id)
    await registerAt(here)
    await registerAt(here)
    const file = newFile()
    await exportFrom(here, file)
    const bytes = readFileSync(file)
    const spoil = (change: (copy: Buffer) => Buffer): string => {
      const spoilt = newFile()
      writeFileSync(spoilt, change(Buffer.from(bytes)))
      return spoilt
    }
    const flipped = [40, bytes.length >> 1, bytes.length - 1].map((at) =>
      spoil((copy) => (copy.writeUInt8(copy.readUInt8(at) ^ 1, at), copy)),
    )
    const cut = [0, 10, 200, bytes.length >> 1, bytes.length - 1].map((length) =>
      spoil((copy) => copy.subarray(0, length)),
    )
    for (const spoilt of [...flipped, ...cut, spoil((copy) => Buffer.concat([copy, copy]))]) {
      await expect(importAt(there, spoilt)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_ENVELOPE_(REJECTED|MALFORMED)$/) as string,
      })
    }
    await expect(importAt(there, file, await generateIdentity())).rejects.toMatchObject({
      code: 'ERR_ENVELOPE_REJECTED',
    })
    await expect(importAt(there, file, 'AGE-SECRET-KEY-NONE')).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    })
    const elsewhere = await openPlace()
    expect(await importAt(elsewhere, file)).toEqual({ status: 'other-realm', realmId: toHex(here.realm.id) })
    for (const place of [there, elsewhere])
      expect([await contents(place), await decisions(place)]).toEqual([[], []])
    const both = await Promise.all([importAt(there, file), importAt(there, file)])
    expect(both.map(({ status }) => status).sort()).toEqual(['here-already', 'imported'])
    expect(await contents(there)).toHaveLength(2)
  })
})

describe('a file that was made to do harm', () => {
  it('changes nothing, whatever its receiver’s key opens in it, and is read in bounds', async () => {
    const there = await openPlace(here.realm.id)
    await registerAt(here)
    const file = newFile()
    await exportFrom(here, file)
    const decrypter = new Decrypter()
    decrypter.addIdentity(identity)
    const [header = '', record = '', end = ''] = (await decrypter.decrypt(readFileSync(file), 'text')).split(
      '\n',
    )
    const seal = async (text: string, ...more: readonly number[]): Promise<string> => {
      const encrypter = new Encrypter()
      encrypter.addRecipient(recipient)
      const made = newFile()
      writeFileSync(made, await encrypter.encrypt(Buffer.concat([Buffer.from(text), Buffer.from(more)])))
      return made
    }
    const lines = (...parts: readonly string[]): string => parts.map((part) => `${part}\n`).join('')
    const good = lines(header, record, end)
    for (const made of [
      await seal(''),
      await seal(lines(header)),
      await seal(lines(header, record)),
      await seal(lines(header, end)),
      await seal(lines(header, record, record, end)),
      await seal(lines(header, record, end, end)),
      await seal(lines(record, header, end)),
      await seal(lines(header, record, '{"end":2}')),
      await seal(lines(header.replace('acme', 'ac me'), record, end)),
      await seal(lines(header, record.replace('"guessCount":0', '"guessCount":6'), end)),
      await seal(lines(header, record.replace('"guessCount":0', '"guessCount":-1'), end)),
      await seal(lines(header, record.replace(/.=="\}$/, 'B=="}'), end)),
      await seal(good, 0xff),
      await seal(good, 0xc3),
      await seal(good.trimEnd()),
      await seal(`${lines(header)}${' '.repeat(5_000_000)}`),
      '/dev/zero',
    ]) {
      await expect(importAt(there, made)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_ENVELOPE_(REJECTED|MALFORMED)$/) as string,
      })
    }
    for (const unreadable of [folder, newFile()])
      await expect(importAt(there, unreadable)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(INPUT_INVALID|ENVELOPE_REJECTED)$/) as string,
      })
    expect([await contents(there), await decisions(there)]).toEqual([[], []])
    expect((await importAt(there, await seal(good))).status).toBe('imported')
  })
})

describe('two exports at once', () => {
  it('into one file leave one whole file, which is the one that is told of', async () => {
    const there = await openPlace(here.realm.id)
    await registerAt(here)
    await exportFrom(here, newFile())
    const file = newFile()
    const both = await Promise.allSettled([1, 2].map(() => exportFrom(here, file, { again: true })))
    const told = both.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const refused = both.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    )
    expect(refused).toMatchObject([{ code: 'ERR_INPUT_INVALID' }])
    expect(await importAt(there, file)).toEqual({ ...told[0], status: 'imported', tenant: 'acme' })
  })
})

describe('the operator of a realm', () => {
  it('begins an epoch while people recover, and sees all of it', async () => {
    const people = await Promise.all(Array.from({ length: 3 }, () => registerAt(here)))
    const recoveries = Promise.all(people.map((person) => recoverAt(here, person)))
    const rotated = await rotateRealm(here.operator)
    expect(rotated).toMatchObject({ status: 'rotated', resealed: 3, damaged: 0 })
    for (const outcome of await recoveries) expect(outcome).toMatchObject({ status: 'recovered' })
    const status = await readRealmStatus(here.operator)
    expect(status).toMatchObject({
      realmId: toHex(here.realm.id),
      tenants: [{ tenant: 'acme', registered: 3, usedUp: 0 }],
      epochs: [
        { state: 'emptied', records: 0 },
        { state: 'current', records: 3, keyHere: true },
      ],
      journal: { status: 'none' },
      decisions: [{ decision: 'epoch-begun' }],
      actions: [],
    })
    for (const { subject } of people) expect(JSON.stringify(status)).not.toContain(subject)
  })

  it('verifies every record and writes nothing: what was altered, and what has lost its key', async () => {
    await Promise.all(Array.from({ length: 3 }, () => registerAt(here)))
    const { asSuperuser } = here.realm.database
    const whole = { records: 3, opened: 3, usedUp: 0, damaged: 0, keyMissing: 0 }
    const written = 'SELECT xmin::text FROM realm.records ORDER BY record_id'
    const before = await asSuperuser(written)
    expect(await verifyRealm(here.operator)).toEqual(whole)
    expect(await asSuperuser(written)).toEqual(before)
    await asSuperuser(
      `UPDATE realm.records SET sealed = overlay(sealed PLACING 'x'::bytea FROM 100)
       WHERE record_id = (SELECT min(record_id::text)::bytea FROM realm.records)`,
    )
    expect(await verifyRealm(here.operator)).toEqual({ ...whole, opened: 2, damaged: 1 })
    const sealKeys = { kind: 'environment', keys: [randomBytes(32)] } as const
    const keyless = { ...here.operator, settings: { ...here.operator.settings, sealKeys } }
    expect(await verifyRealm(keyless)).toEqual({ ...whole, opened: 0, keyMissing: 3 })
    expect((await readRealmStatus(keyless)).actions).toEqual(['bring-key'])
  })
})
