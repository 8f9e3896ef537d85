import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { randomBytes, utf8 } from 'keyhaven/crypto'
import { register } from 'keyhaven/recovery'
import type { ServerProcess } from '../../testing/server-process.ts'
import { ServerStartError } from '../../testing/server-process.ts'
import type { Attempt, Fleet } from '../testing/server-fleet.ts'
import {
  attemptEvaluation,
  configurationOf,
  countOf,
  createFleet,
  fleetTransport,
  freshInput,
  freshSubject,
} from '../testing/server-fleet.ts'

const NUM_GUESSES = 5
const journal = mkdtempSync(join(tmpdir(), 'keyhaven-journal-'))
const subject = freshSubject()
const settings = { KEYHAVEN_REALM_EPOCH_DAYS: 'off' }

let fleet: Fleet
let version: Uint8Array

beforeAll(async () => {
  fleet = await createFleet(settings)
})

afterAll(() => {
  rmSync(journal, { recursive: true, force: true })
})

async function stop(server: ServerProcess): Promise<void> {
  server.kill('SIGTERM')
  await server.exited
}

/** The database under another name, as it is now, and where a server finds it. Nobody may be connected to it. */
async function copyDatabase(): Promise<Readonly<Record<string, string>>> {
  const { name, urls, asSuperuser, close } = fleet.database
  await close()
  const copy = `${name}_copy`
  await asSuperuser(`CREATE DATABASE ${copy} TEMPLATE ${name}`)
  return {
    DATABASE_URL: urls.keyhaven_app.replace(name, copy),
    KEYHAVEN_AUTH_DATABASE_URL: urls.keyhaven_auth.replace(name, copy),
    KEYHAVEN_REALM_DATABASE_URL: urls.keyhaven_realm.replace(name, copy),
  }
}

/** New inputs, each sent until it is answered: on a busy machine a server may lose its journal for a while. */
async function attempt(server: ServerProcess, count: number): Promise<readonly Attempt[]> {
  const attempts: Attempt[] = []
  for (let blindedInput = freshInput(); attempts.length < count;) {
    const outcome = await attemptEvaluation({ fleet, server, subject, version, blindedInput })
    if (outcome === 'lost') continue
    attempts.push(outcome)
    blindedInput = freshInput()
  }
  return attempts
}

/** A server, or nothing where its journal was against its start. */
async function tryStart(more: Readonly<Record<string, string>>): Promise<ServerProcess | undefined> {
  return fleet.start({ ...more, KEYHAVEN_REALM_JOURNAL: journal }).catch((fault: unknown) => {
    if (fault instanceof ServerStartError && JSON.stringify(fault.fault).includes('older copy'))
      return undefined
    throw fault
  })
}

async function isRefused(server: ServerProcess | undefined): Promise<boolean> {
  return server === undefined || (await (await fetch(`${server.origin}/readyz`)).text()).includes('_RESTORED')
}

it('of a realm that was copied with its keys and goes on twice, the journal lets one go on; without it each has all guesses that were left', async () => {
  const first = await fleet.start({ KEYHAVEN_REALM_JOURNAL: journal })
  const options = { configuration: configurationOf(first), transport: fleetTransport(fleet, subject) }
  const person = { userInfo: utf8('person'), pin: utf8('493817'), secret: randomBytes(8) }
  version = (await register({ ...options, ...person, numGuesses: NUM_GUESSES })).version
  expect(await attempt(first, 2)).toEqual(['evaluated', 'evaluated'])
  await stop(first)

  // Both from the very same mark.
  const ways = [{}, await copyDatabase()]
  const copies = await Promise.all(ways.map((way) => tryStart(way)))
  const refused = (): Promise<boolean[]> => Promise.all(copies.map(isRefused))
  await expect.poll(async () => (await refused()).filter(Boolean).length).toBe(1)
  const place = (await refused()).indexOf(true)
  const [loser, winner] = [copies[place], copies[1 - place]]
  if (winner === undefined) throw new Error('Neither goes on.')
  if (loser !== undefined) {
    for (let turn = 0; turn < NUM_GUESSES; turn += 1) {
      expect(await attemptEvaluation({ fleet, server: loser, subject, version })).toBe('lost')
    }
    await stop(loser)
  }
  expect(countOf(await attempt(winner, NUM_GUESSES), 'evaluated')).toBe(NUM_GUESSES - 2)

  // What docs/operations.md says of a copy that nothing holds against the other.
  const unseen = await fleet.start({ ...ways[place], KEYHAVEN_REALM_JOURNAL: 'off' })
  expect(countOf(await attempt(unseen, NUM_GUESSES), 'evaluated')).toBe(NUM_GUESSES - 2)
})
