import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { openDatabase } from '../../db/database.ts'
import { Refusal } from '../../http/refusal.ts'
import { parseJournal } from '../../settings/journal.ts'
import { createEmptyDatabase, createTestDatabase } from '../../testing/database.ts'
import type { TestDatabase } from '../../testing/database.ts'
import { acceptRestore, beat, compareMarks } from './beat.ts'
import type { JournalInput } from './beat.ts'
import { openFolderJournal } from './folder.ts'
import type { RealmJournal } from './journal.ts'
import { requireNoJournal, startJournal } from './journal.ts'
import { openPostgresJournal } from './postgres.ts'
import type { JournalStore } from './store.ts'

const folders: string[] = []
const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  await Promise.all(closing.map((close) => close()))
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const realmId = randomBytes(16)
let test: TestDatabase
beforeEach(async () => {
  test = await createTestDatabase()
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-journal-'))
  folders.push(folder)
  return folder
}

/** The table as docs/operations.md has the operator make it, in a database of its own. */
async function createPostgresJournal(): Promise<{ store: JournalStore; url: string }> {
  const { ownerUrl, superuserUrl } = await createEmptyDatabase()
  const docs = readFileSync(new URL('../../../../../docs/operations.md', import.meta.url), 'utf8')
  const [, sql = ''] = /```sql\n(CREATE TABLE realm_marks[^`]*)```/.exec(docs) ?? []
  const client = new pg.Client({ connectionString: superuserUrl })
  await client.connect()
  await client.query(
    "DO $$ BEGIN CREATE ROLE keyhaven_journal LOGIN PASSWORD 'secret'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
  )
  await client.query(sql)
  await client.end()
  const url = new URL(ownerUrl)
  url.username = 'keyhaven_journal'
  url.password = 'secret'
  const store = openPostgresJournal(url.href)
  closing.push(() => store.close())
  return { store, url: url.href }
}

const STORES: readonly (readonly [string, () => Promise<JournalStore>])[] = [
  ['a folder', () => Promise.resolve(openFolderJournal(newFolder()))],
  ['another PostgreSQL', async () => (await createPostgresJournal()).store],
]

describe.each(STORES)('a journal in %s', (_, open) => {
  it('is shared: servers that beat at once, the first beats among them, never find the database restored', async () => {
    const store = await open()
    const other = openDatabase(test.urls)
    closing.push(() => other.close())
    const verdicts = await Promise.all(
      Array.from({ length: 24 }, async (_unused, number) => {
        const database = number % 2 === 0 ? test.database : other
        return (await beat({ database, store, realmId })).verdict
      }),
    )
    expect(new Set(verdicts)).toEqual(new Set(['newest']))
    const { held, noted } = await compareMarks({ database: test.database, store, realmId })
    expect(held).toEqual(noted)
    expect(held?.position).toBe(24)
  })

  it('only goes up, for each realm by itself', async () => {
    const store = await open()
    const mark = (position: number): { position: number; mark: Uint8Array } => ({
      position,
      mark: new Uint8Array(16).fill(position),
    })
    for (const position of [3, 1, 40, 2]) await store.write(realmId, mark(position))
    await store.write(randomBytes(16), mark(99))
    expect(await store.read(realmId)).toEqual(mark(40))
    expect(await store.read(randomBytes(16))).toBeUndefined()
  })

  it('survives a crash between the database’s mark and its own, at the first beat as at any other', async () => {
    const store = await open()
    const crashing = { ...store, write: () => Promise.reject(new Error('crash')) }
    const input: JournalInput = { database: test.database, store, realmId }
    await expect(beat({ ...input, store: crashing })).rejects.toThrow('crash')
    const foundedThenCrashing = {
      ...store,
      write: (id: Uint8Array, noted: Parameters<JournalStore['write']>[1]) =>
        noted.position === 0 ? store.write(id, noted) : Promise.reject(new Error('crash')),
    }
    for (let crash = 0; crash < 2; crash += 1) {
      await expect(beat({ ...input, store: foundedThenCrashing })).rejects.toThrow('crash')
    }
    expect(await beat(input)).toEqual({ verdict: 'newest', position: 3 })
  })

  it('tells a copy that went on by itself from the database that it knows, and lets neither move on', async () => {
    const store = await open()
    const input: JournalInput = { database: test.database, store, realmId }
    await beat(input)
    await test.asSuperuser('UPDATE realm.marks SET mark = $1', [randomBytes(16)])
    expect((await beat(input)).verdict).toBe('restored')
    await test.asSuperuser('DELETE FROM realm.marks')
    expect((await beat(input)).verdict).toBe('restored')
    expect(await test.asSuperuser('SELECT FROM realm.marks')).toEqual([])
  })
})

describe.each(STORES)('a number that somebody else wrote into %s', (_, open) => {
  it('costs a decision where servers could count on from it, and is not followed where they could not', async () => {
    const store = await open()
    const input: JournalInput = { database: test.database, store, realmId }
    await beat(input)
    await store.write(realmId, { position: 2 ** 52, mark: randomBytes(16) })
    expect((await beat(input)).verdict).toBe('restored')
    expect(await acceptRestore(input)).toBe('accepted')
    expect(await beat(input)).toEqual({ verdict: 'newest', position: 2 ** 52 + 2 })
    await store.write(realmId, { position: Number.MAX_SAFE_INTEGER, mark: randomBytes(16) })
    expect((await beat(input)).verdict).toBe('restored')
    expect(await acceptRestore(input)).toBe('foreign-mark')
    expect((await compareMarks(input)).held?.position).toBe(2 ** 52 + 2)
    expect(await test.asSuperuser('SELECT decision FROM realm.decisions')).toHaveLength(1)
  })
})

describe('a journal in a folder', () => {
  it('counts again once a file with a number that no server counts to is removed', async () => {
    const folder = newFolder()
    const input: JournalInput = { database: test.database, store: openFolderJournal(folder), realmId }
    await beat(input)
    const planted = join(folder, `${toHex(realmId)}-9999999999999999-${toHex(randomBytes(16))}`)
    writeFileSync(planted, '')
    expect((await beat(input)).verdict).toBe('restored')
    expect(await acceptRestore(input)).toBe('foreign-mark')
    rmSync(planted)
    expect(await beat(input)).toEqual({ verdict: 'newest', position: 2 })
  })

  it('keeps few files, and leaves what is not its own', async () => {
    const folder = newFolder()
    const store = openFolderJournal(folder)
    for (let count = 0; count < 30; count += 1) await beat({ database: test.database, store, realmId })
    expect(readdirSync(folder).length).toBeLessThan(14)
  })

  it('that is missing throws, so that a disk which is not mounted does not look like a new journal', async () => {
    const store = openFolderJournal(join(newFolder(), 'missing'))
    await expect(beat({ database: test.database, store, realmId })).rejects.toThrow('ENOENT')
    expect(await test.asSuperuser('SELECT FROM realm.marks')).toEqual([])
  })
})

describe('a running server', () => {
  const log = { info: () => undefined, error: () => undefined }

  it('answers nothing once its journal has been away for too long or was emptied, and goes on when it is back', async () => {
    const folder = newFolder()
    const input = { database: test.database, store: openFolderJournal(folder), realmId, log }
    const journal = await startJournal({ ...input, leaseMs: 1500 })
    closing.push(() => journal.close())
    journal.require()
    const away = `${folder}-away`
    folders.push(away)
    renameSync(folder, away)
    await expect.poll(() => codeOf(journal)).toBe('ERR_JOURNAL_UNAVAILABLE')
    renameSync(away, folder)
    await expect.poll(() => codeOf(journal)).toBeUndefined()
    const names = readdirSync(folder)
    for (const name of names) rmSync(join(folder, name))
    await expect.poll(() => codeOf(journal)).toBe('ERR_JOURNAL_UNAVAILABLE')
  })

  it('does not start on a database that is behind its journal, beside an empty journal, or without the one that there was', async () => {
    const store = openFolderJournal(newFolder())
    const input = { database: test.database, realmId, log }
    await requireNoJournal(test.database)
    for (let count = 0; count < 2; count += 1) await beat({ ...input, store })
    const refusal = (words: string): object => ({
      code: 'ERR_START_REFUSED',
      details: { problem: expect.stringContaining(words) as string },
    })
    await expect(requireNoJournal(test.database)).rejects.toMatchObject(refusal('KEYHAVEN_REALM_JOURNAL'))
    const empty = openFolderJournal(newFolder())
    await expect(startJournal({ ...input, store: empty })).rejects.toMatchObject(refusal('journal is empty'))
    const missing = openFolderJournal(join(newFolder(), 'missing'))
    await expect(startJournal({ ...input, store: missing })).rejects.toMatchObject(refusal('cannot be read'))
    await test.asSuperuser('UPDATE realm.marks SET position = 1')
    await expect(startJournal({ ...input, store })).rejects.toMatchObject(refusal('older copy of itself'))
  })

  it('refuses a request whose transaction sees an older mark, without waiting for the next beat', async () => {
    const store = openFolderJournal(newFolder())
    const journal = await startJournal({ database: test.database, store, realmId, log })
    closing.push(() => journal.close())
    const { held } = await compareMarks({ database: test.database, store, realmId })
    const position = held?.position ?? 0
    expect(codeOf(journal, position + 1)).toBeUndefined()
    expect(codeOf(journal, position - 1)).toBe('ERR_DATABASE_RESTORED')
  })
})

function codeOf(journal: RealmJournal, position?: number): string | undefined {
  try {
    journal.require(position)
    return undefined
  } catch (fault) {
    return fault instanceof Refusal ? fault.code : String(fault)
  }
}

describe('a journal in another PostgreSQL', () => {
  it('refuses by itself to go down or to forget, whoever has the servers’ login', async () => {
    const { store, url } = await createPostgresJournal()
    await store.write(realmId, { position: 7, mark: randomBytes(16) })
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      for (const statement of [
        'UPDATE realm_marks SET position = 6',
        'DELETE FROM realm_marks',
        'TRUNCATE realm_marks',
      ]) {
        await expect(client.query(statement)).rejects.toThrow(/goes up|permission denied/)
      }
    } finally {
      await client.end()
    }
  })
})

describe('the setting', () => {
  it('is a folder outside the data directory, another PostgreSQL, or off', () => {
    const folder = newFolder()
    const about = { dataDirectory: join(folder, 'data'), databaseUrl: 'postgres://a/b' }
    expect(parseJournal('off', about)).toEqual({ kind: 'off' })
    expect(parseJournal(folder, about)).toEqual({ kind: 'folder', path: folder })
    expect(parseJournal('postgres://c/d', about)).toEqual({ kind: 'postgres', url: 'postgres://c/d' })
    for (const text of [join(folder, 'missing'), 'postgres://a/b']) {
      expect(() => parseJournal(text, about)).toThrow('A setting is unknown or malformed.')
    }
    expect(() => parseJournal(folder, { ...about, dataDirectory: folder })).toThrow('A setting is unknown')
  })
})
