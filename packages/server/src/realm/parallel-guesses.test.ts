import { beforeAll, describe, expect, it } from 'vitest'
import { randomBytes, utf8 } from 'keyhaven/crypto'
import { recover, register } from 'keyhaven/recovery'
import type { ServerProcess } from '../testing/server-process.ts'
import type { Attempt, Fleet } from './testing/server-fleet.ts'
import {
  attemptEvaluation,
  configurationOf,
  countOf,
  createFleet,
  fleetTransport,
  freshSubject,
} from './testing/server-fleet.ts'

const PIN = utf8('493817')
const NUM_GUESSES = 10
const userInfo = utf8('person')

let fleet: Fleet
let servers: readonly [ServerProcess, ServerProcess]

beforeAll(async () => {
  fleet = await createFleet()
  servers = [await fleet.start(), await fleet.start()]
})

async function registerAt(subject: string): Promise<Uint8Array> {
  const { version } = await register({
    configuration: configurationOf(servers[0]),
    transport: fleetTransport(fleet, subject),
    pin: PIN,
    userInfo,
    secret: randomBytes(8),
    numGuesses: NUM_GUESSES,
  })
  return version
}

function attemptMany(subject: string, version: Uint8Array, count: number): Promise<Attempt[]> {
  return Promise.all(
    Array.from({ length: count }, (_, number) => {
      const server = number % 2 === 0 ? servers[0] : servers[1]
      return attemptEvaluation({ fleet, server, subject, version })
    }),
  )
}

describe('200 guesses at once, over two server processes on one database', () => {
  it(`of which ${NUM_GUESSES} are allowed: exactly ${NUM_GUESSES} are evaluated`, async () => {
    const subject = freshSubject()
    const attempts = await attemptMany(subject, await registerAt(subject), 200)
    expect(countOf(attempts, 'evaluated')).toBe(NUM_GUESSES)
    expect(countOf(attempts, 'no-guesses')).toBe(200 - NUM_GUESSES)
  })

  it('leave another person’s record alone', async () => {
    const [attacked, other] = [freshSubject(), freshSubject()]
    const version = await registerAt(attacked)
    await registerAt(other)
    await attemptMany(attacked, version, 20)
    const outcome = await recover({
      configuration: configurationOf(servers[1]),
      transport: fleetTransport(fleet, other),
      pin: PIN,
      userInfo,
    })
    expect(outcome).toMatchObject({ status: 'recovered' })
  })

  it('with right PINs among them never add up to more than the guesses between two of those', async () => {
    const subject = freshSubject()
    const version = await registerAt(subject)
    for (let round = 0; round < 3; round += 1) {
      const attempts = await attemptMany(subject, version, NUM_GUESSES - 1)
      expect(countOf(attempts, 'evaluated')).toBe(NUM_GUESSES - 1)
      const outcome = await recover({
        configuration: configurationOf(servers[round % 2 === 0 ? 0 : 1]),
        transport: fleetTransport(fleet, subject),
        pin: PIN,
        userInfo,
      })
      expect(outcome).toMatchObject({ status: 'recovered' })
    }
  })
})

describe('the login that the servers use', () => {
  it('is neither superuser nor owner nor past row-level security nor a member of anything', async () => {
    const [login] = await fleet.database.asSuperuser(
      `SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,
         (SELECT count(*)::int FROM pg_auth_members WHERE member = r.oid) AS memberships,
         (SELECT count(*)::int FROM pg_class WHERE relowner = r.oid) AS owned
       FROM pg_roles r WHERE rolname = 'keyhaven_realm'`,
    )
    expect(login).toEqual({
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      memberships: 0,
      owned: 0,
    })
    expect(fleet.database.urls.keyhaven_realm).toContain('keyhaven_realm')
  })
})
