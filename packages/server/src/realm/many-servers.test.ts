import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomBytes, utf8 } from 'keyhaven/crypto'
import { register } from 'keyhaven/recovery'
import { encodeRequest } from 'keyhaven/recovery/realm'
import type { ServerProcess } from '../testing/server-process.ts'
import { ServerStartError } from '../testing/server-process.ts'
import type { Proxy } from './testing/proxy.ts'
import { startProxy } from './testing/proxy.ts'
import type { Fleet } from './testing/server-fleet.ts'
import {
  attemptEvaluation,
  configurationOf,
  createFleet,
  fleetTransport,
  freshInput,
  freshSubject,
  postToRealm,
} from './testing/server-fleet.ts'

const SOAK = process.env['KEYHAVEN_SOAK'] === '1'
/** The soak's is the size that is promised; a part of it shows the same in the time that a test may take. */
const SIZE = SOAK
  ? { servers: 4, accounts: 100, attempts: 100, serverKills: 24, postgresKills: 4 }
  : { servers: 2, accounts: 6, attempts: 20, serverKills: 1, postgresKills: 1 }
const NUM_GUESSES = 10
const AT_ONCE = 24

let fleet: Fleet
let servers: ServerProcess[]
let postmaster: number
let proxy: Proxy | undefined

beforeAll(async () => {
  fleet = await createFleet({
    KEYHAVEN_DRAIN_SECONDS: '1',
    KEYHAVEN_REALM_REQUESTS_PER_ADDRESS: '1000000',
  })
  postmaster = await findPostmaster()
  servers = await Promise.all(Array.from({ length: SIZE.servers }, () => fleet.start()))
})
afterAll(() => proxy?.close())

interface Account {
  readonly subject: string
  readonly version: Uint8Array
}

async function registerAccount(server: ServerProcess): Promise<Account> {
  const subject = freshSubject()
  const options = {
    configuration: configurationOf(server),
    transport: fleetTransport(fleet, subject),
    // All of them at once, on a machine that may be busy.
    realmDeadlineMs: 300_000,
  }
  const person = { userInfo: utf8('person'), pin: utf8('493817'), secret: randomBytes(8) }
  const { version } = await register({ ...options, ...person, numGuesses: NUM_GUESSES })
  return { subject, version }
}

function anyServer(): ServerProcess {
  const server = servers[Math.floor(Math.random() * servers.length)]
  if (server === undefined) throw new Error('There is no server.')
  return server
}

let lost = 0

/** Sends one and the same input until it is answered, whichever server dies over it. */
async function attemptUntilAnswered(account: Account): Promise<'evaluated' | 'no-guesses'> {
  const blindedInput = freshInput()
  for (;;) {
    const outcome = await attemptEvaluation({ fleet, server: anyServer(), ...account, blindedInput })
    if (outcome !== 'lost') return outcome
    lost += 1
    await new Promise((later) => setTimeout(later, 50))
  }
}

/** Kills a server at once, unless it is the last one; another takes its place as soon as it can. */
async function killServer(): Promise<void> {
  const victim = servers.length > 1 ? servers.shift() : undefined
  victim?.kill('SIGKILL')
  await victim?.exited
  if (victim !== undefined) servers.push(await startServer())
}

/** PostgreSQL may be away just now. */
async function startServer(): Promise<ServerProcess> {
  for (;;) {
    const started = await fleet.start().catch((fault: unknown) => {
      if (!(fault instanceof ServerStartError) || fault.fault.code !== 'ERR_DATABASE_UNAVAILABLE') throw fault
    })
    if (started !== undefined) return started
  }
}

/** Kills it at once. It is started again by whoever keeps it running. */
async function killPostgres(): Promise<void> {
  process.kill(postmaster, 'SIGKILL')
  const dead = postmaster
  while (postmaster === dead) postmaster = await findPostmaster().catch(() => dead)
}

async function findPostmaster(): Promise<number> {
  const [file] = await fleet.database.asSuperuser<{ text: string }>(
    "SELECT pg_read_file('postmaster.pid') AS text",
  )
  return Number(file?.text.split('\n')[0])
}

/** Deeds, spread evenly over the attempts. */
function planKills(): Map<number, () => Promise<void>> {
  const { accounts, attempts, serverKills, postgresKills } = SIZE
  const all = accounts * attempts
  const spread = (count: number): number[] =>
    Array.from({ length: count }, (_, index) => Math.floor((all * (index + 0.5)) / count))
  return new Map([
    ...spread(serverKills).map((at) => [at, killServer] as const),
    ...spread(postgresKills).map((at) => [at + 1, killPostgres] as const),
  ])
}

describe(`${SIZE.accounts * SIZE.attempts} attempts on ${SIZE.accounts} accounts, over ${SIZE.servers} server processes`, () => {
  it(`evaluate exactly ${NUM_GUESSES} inputs of each, while servers and PostgreSQL are killed`, async () => {
    const accounts = await Promise.all(
      Array.from({ length: SIZE.accounts }, () => registerAccount(anyServer())),
    )
    const queue = Array.from({ length: SIZE.attempts }, () => accounts).flat()
    const evaluated = new Map(accounts.map(({ subject }) => [subject, 0]))
    const kills = planKills()
    const deeds: Promise<void>[] = []
    let begun = 0
    const work = async (): Promise<void> => {
      for (let account = queue.pop(); account !== undefined; account = queue.pop()) {
        const deed = kills.get((begun += 1))
        if (deed !== undefined) deeds.push(deed())
        const outcome = await attemptUntilAnswered(account)
        if (outcome === 'evaluated') evaluated.set(account.subject, (evaluated.get(account.subject) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    await Promise.all(deeds)
    expect(deeds).toHaveLength(SIZE.serverKills + SIZE.postgresKills)
    // Kills that hit nothing prove nothing.
    expect(lost).toBeGreaterThan(0)
    expect([...evaluated.values()]).toEqual(accounts.map(() => NUM_GUESSES))
  })
})

describe('two servers behind a proxy that are restarted in turn', () => {
  it('lose no request, and end in order', async () => {
    const front = (proxy = await startProxy())
    let pair = servers.slice(0, 2)
    const use = (): void => {
      front.setServers(pair.map((server) => server.origin))
    }
    use()
    const { subject } = await registerAccount(anyServer())
    const [first] = pair
    const token = await fleet.token(first?.realmId ?? '', subject)
    const body = encodeRequest({ kind: 'recover1' })
    const ask = (): Promise<Uint8Array | undefined> =>
      postToRealm({ address: `${front.origin}/realm/`, token, body })
    await expect.poll(() => ask().catch(() => undefined)).toBeDefined()
    const counts = { answered: 0, lost: 0 }
    let over = false
    const client = async (): Promise<void> => {
      while (!over) {
        const answer = await ask().catch(() => undefined)
        counts[answer === undefined ? 'lost' : 'answered'] += 1
        await new Promise((later) => setTimeout(later, 10))
      }
    }
    const clients = Promise.all(Array.from({ length: 4 }, client))
    for (const server of pair) {
      server.kill('SIGTERM')
      expect(await server.exited).toBe(0)
      const next = await fleet.start()
      servers.push(next)
      pair = [...pair.filter((other) => other !== server), next]
      use()
      const { answered } = counts
      await expect.poll(() => counts.answered).toBeGreaterThan(answered + 50)
    }
    over = true
    await clients
    expect(counts.lost).toBe(0)
  })
})
