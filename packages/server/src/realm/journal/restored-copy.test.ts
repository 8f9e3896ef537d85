import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseHex, randomBytes, utf8 } from 'keyhaven/crypto'
import { register } from 'keyhaven/recovery'
import { openDatabase } from '../../db/database.ts'
import { SUPERUSER } from '../../postgres/cluster.ts'
import { privateUrl, privateUrls } from '../../postgres/private-database.ts'
import type { PrivatePostgres } from '../../postgres/private-postgres.ts'
import { startPrivatePostgres } from '../../postgres/private-postgres.ts'
import { FAST, TEMPLATE, copyCluster } from '../../testing/cluster-template.ts'
import { makeReachableFolder } from '../../testing/database.ts'
import type { ServerProcess } from '../../testing/server-process.ts'
import type { Servers } from '../testing/server-fleet.ts'
import {
  attemptEvaluation,
  configurationOf,
  createServers,
  fleetTransport,
  freshInput,
  freshSubject,
} from '../testing/server-fleet.ts'
import { acceptRestore } from './beat.ts'
import { openFolderJournal } from './folder.ts'

const subject = freshSubject()
let directory: string
let journal: string
let postgres: PrivatePostgres | undefined
let passwords: Awaited<ReturnType<typeof copyCluster>>
let fleet: Servers
let servers: ServerProcess[]
let version: Uint8Array

beforeAll(async () => {
  directory = makeReachableFolder()
  journal = mkdtempSync(join(tmpdir(), 'keyhaven-journal-'))
  passwords = await copyCluster(directory)
  await startPostgres()
  fleet = createServers(urls(), { KEYHAVEN_REALM_JOURNAL: journal })
  servers = [await fleet.start(), await fleet.start()]
  const [first] = servers as [ServerProcess]
  const options = { configuration: configurationOf(first), transport: fleetTransport(fleet, subject) }
  const person = { userInfo: utf8('person'), pin: utf8('493817'), secret: randomBytes(8), numGuesses: 10 }
  version = (await register({ ...options, ...person })).version
})

afterAll(async () => {
  for (const server of servers) server.kill('SIGKILL')
  await Promise.all(servers.map(({ exited }) => exited))
  await postgres?.stop()
  for (const folder of [directory, journal]) rmSync(folder, { recursive: true, force: true })
})

async function startPostgres(): Promise<void> {
  postgres = await startPrivatePostgres({ directory, ...FAST })
}

/** The socket is in the cluster's folder, so that it is in the same place after each start. */
function urls(): ReturnType<typeof privateUrls> {
  return privateUrls(postgres?.socketFolder ?? '', TEMPLATE, passwords)
}

/** With PostgreSQL stopped, as an operator would. */
async function whileStopped(work: (cluster: string) => void): Promise<void> {
  await postgres?.stop()
  work(join(directory, 'postgres'))
  await startPostgres()
}

function copy(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true })
  execFileSync('cp', ['-Rp', from, to])
}

async function readiness(server: ServerProcess): Promise<string> {
  const response = await fetch(`${server.origin}/readyz`)
  const body = (await response.json()) as { readonly error?: { readonly code: string } }
  return body.error?.code ?? String(response.status)
}

async function waitFor(state: string): Promise<void> {
  for (const server of servers) await expect.poll(() => readiness(server)).toBe(state)
}

/** One new input, sent again while the server has just lost its database or its journal. */
async function guess(server: ServerProcess): Promise<string> {
  const blindedInput = freshInput()
  for (;;) {
    const outcome = await attemptEvaluation({ fleet, server, subject, version, blindedInput })
    if (outcome !== 'lost') return outcome
    await sleep(200)
  }
}

function notedPosition(): number {
  return Math.max(...readdirSync(journal).map((name) => Number(name.split('-')[1])))
}

/** Until all that has been committed so far is behind a beat that the journal has noted. */
async function waitForBeats(): Promise<void> {
  const before = notedPosition()
  await expect.poll(notedPosition).toBeGreaterThan(before + 4)
}

async function look(text: string): Promise<readonly unknown[]> {
  const connectionString = privateUrl({
    socketFolder: postgres?.socketFolder ?? '',
    login: SUPERUSER,
    database: TEMPLATE,
  })
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

const COUNT = 'SELECT guess_count FROM realm.records'

it('an older copy of the database is refused by the servers that run, by those that start and after a kill, until the operator decides', async () => {
  const [one, two] = servers as [ServerProcess, ServerProcess]
  const backup = join(directory, 'backup')
  expect([await guess(one), await guess(two)]).toEqual(['evaluated', 'evaluated'])
  await whileStopped((cluster) => {
    copy(cluster, backup)
  })
  await waitFor('200')
  expect([await guess(one), await guess(two)]).toEqual(['evaluated', 'evaluated'])
  expect(await look(COUNT)).toEqual([{ guess_count: 4 }])
  await waitForBeats()
  // A stop and a start alone are no reason to refuse anything.
  await whileStopped(() => undefined)
  await waitFor('200')

  await whileStopped((cluster) => {
    copy(backup, cluster)
  })
  await waitFor('ERR_DATABASE_RESTORED')
  for (const server of [one, two]) {
    expect(await attemptEvaluation({ fleet, server, subject, version })).toBe('lost')
  }
  two.kill('SIGKILL')
  await two.exited
  await expect(fleet.start()).rejects.toMatchObject({
    fault: {
      code: 'ERR_START_REFUSED',
      details: { problem: expect.stringContaining('accept-restore') as string },
    },
  })
  expect(await look(COUNT)).toEqual([{ guess_count: 2 }])
  expect(one.output()).toContain('realm_database_restored')

  const database = openDatabase(urls())
  const store = openFolderJournal(journal)
  const realmId = parseHex(one.realmId, 'realmId', 16)
  expect(await acceptRestore({ database, store, realmId })).toBe('accepted')
  expect(await acceptRestore({ database, store, realmId })).toBe('nothing-to-decide')
  await database.close()
  servers = [one, await fleet.start()]
  await waitFor('200')
  expect(await guess(one)).toBe('evaluated')
  expect(await look(COUNT)).toEqual([{ guess_count: 3 }])
  expect(await look('SELECT decision FROM realm.decisions')).toEqual([{ decision: 'restore-accepted' }])
})
