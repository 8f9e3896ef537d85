/** Keyhaven over PostgreSQL that fails over: three nodes under Patroni, etcd, HAProxy, and the leader killed. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { randomBytes, utf8 } from 'keyhaven/crypto'
import { recover, register } from 'keyhaven/recovery'
import type { ServerProcess } from '../packages/server/src/testing/server-process.ts'
import type { Servers } from '../packages/server/src/realm/testing/server-fleet.ts'
import {
  attemptEvaluation,
  configurationOf,
  createServers,
  fleetTransport,
  freshInput,
  freshSubject,
} from '../packages/server/src/realm/testing/server-fleet.ts'
import { requirePrograms } from './testing/debian.ts'
import type { Cluster } from './testing/patroni.ts'
import { startCluster } from './testing/patroni.ts'

const NUM_GUESSES = 10
const ACCOUNTS = 6
const ATTEMPTS = 20
const PIN = utf8('493817')
const userInfo = utf8('person')
/** Nothing here fails because a machine is slow. */
const PATIENCE = { timeout: 240_000, interval: 200 }

let folder = ''
let cluster: Cluster
let fleet: Servers
let server: ServerProcess

beforeAll(async () => {
  requirePrograms({ patroni: 'patroni', etcd: 'etcd-server', haproxy: 'haproxy' })
  folder = mkdtempSync(join(tmpdir(), 'keyhaven-patroni-'))
  chmodSync(folder, 0o711)
  mkdirSync(join(folder, 'journal'))
  cluster = await startCluster(folder)
  await until(async () => (await cluster.leader()) !== undefined)
  await until(makeOwner)
  const url = (login: string): string =>
    `postgres://${login}:secret@127.0.0.1:${String(cluster.port)}/keyhaven`
  fleet = createServers(
    {
      keyhaven_app: url('keyhaven_app'),
      keyhaven_auth: url('keyhaven_auth'),
      keyhaven_realm: url('keyhaven_realm'),
    },
    {
      KEYHAVEN_OWNER_DATABASE_URL: url('keyhaven_owner'),
      KEYHAVEN_REALM_JOURNAL: join(folder, 'journal'),
      KEYHAVEN_REALM_REQUESTS_PER_ADDRESS: '1000000',
      KEYHAVEN_REALM_REQUESTS_PER_USER: '1000000',
    },
  )
  server = await fleet.start()
})

afterAll(async () => {
  await cluster.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(300)
}

async function makeOwner(): Promise<boolean> {
  const client = new pg.Client({
    connectionString: `postgres://postgres:${cluster.superuserPassword}@127.0.0.1:${String(cluster.port)}/postgres`,
  })
  try {
    await client.connect()
    await client.query("CREATE ROLE keyhaven_owner LOGIN CREATEROLE PASSWORD 'secret'")
    await client.query('CREATE DATABASE keyhaven OWNER keyhaven_owner')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

interface Person {
  readonly subject: string
  readonly version: Uint8Array
  readonly secret: Uint8Array
}

function optionsOf(subject: string): Omit<Parameters<typeof recover>[0], 'signal'> {
  const transport = fleetTransport(fleet, subject)
  return { configuration: configurationOf(server), transport, userInfo, pin: PIN }
}

async function registerPerson(): Promise<Person> {
  const [subject, secret] = [freshSubject(), randomBytes(8)]
  const { version } = await register({ ...optionsOf(subject), secret, numGuesses: NUM_GUESSES })
  return { subject, version, secret }
}

async function attemptUntilAnswered(person: Person): Promise<'evaluated' | 'no-guesses'> {
  const blindedInput = freshInput()
  for (;;) {
    const outcome = await attemptEvaluation({ fleet, server, ...person, blindedInput })
    if (outcome !== 'lost') return outcome
    await sleep(500)
  }
}

it('when the leader is killed nothing that was acknowledged is lost, no guess is granted, and the journal sees no older copy', async () => {
  const besieged = await Promise.all(Array.from({ length: ACCOUNTS }, registerPerson))
  const acknowledged: Person[] = []
  const stop = new AbortController()
  // Registers all the while; what was acknowledged must be there afterwards.
  const registering = (async () => {
    while (!stop.signal.aborted) {
      const person = await registerPerson().catch(() => undefined)
      if (person !== undefined) acknowledged.push(person)
    }
  })()
  const queue = Array.from({ length: ATTEMPTS }, () => besieged).flat()
  const evaluated = new Map(besieged.map(({ subject }) => [subject, 0]))
  const leader = await cluster.leader()
  const killAt = queue.length - 24
  const work = async (): Promise<void> => {
    for (let person = queue.pop(); person !== undefined; person = queue.pop()) {
      if (queue.length === killAt && leader !== undefined) cluster.kill(leader)
      const outcome = await attemptUntilAnswered(person)
      if (outcome === 'evaluated') evaluated.set(person.subject, (evaluated.get(person.subject) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
  const before = acknowledged.length
  await expect.poll(() => acknowledged.length, PATIENCE).toBeGreaterThan(before)
  stop.abort()
  await registering
  const next = await cluster.leader()
  expect(next?.name).not.toBe(leader?.name)
  expect([...evaluated.values()]).toEqual(besieged.map(() => NUM_GUESSES))
  for (const { subject, secret } of acknowledged) {
    expect(await recover(optionsOf(subject))).toMatchObject({ status: 'recovered', secret })
  }
  expect(server.output()).not.toContain('realm_database_restored')
})
