import { beforeAll, describe, expect, it } from 'vitest'
import { randomBytes, utf8 } from 'keyhaven/crypto'
import { recover, register } from 'keyhaven/recovery'
import type { RecoverOutcome } from 'keyhaven/recovery'
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
const NUM_GUESSES = 6
const userInfo = utf8('person')
/** Nothing is lost because a machine is slow. */
const realmDeadlineMs = 300_000
/** The soak does 100; a part of it shows the same in the time that a test may take. */
const SOAK = process.env['KEYHAVEN_SOAK'] === '1'
const KILLS = SOAK ? 100 : 6
/** Attempts on the besieged record at once: more than there are guesses. */
const BURST = NUM_GUESSES + 2

let fleet: Fleet
beforeAll(async () => {
  // The patient one's record is asked about at each kill.
  fleet = await createFleet({
    KEYHAVEN_REALM_GUESSES_PER_DAY: '10000',
    KEYHAVEN_REALM_REQUESTS_PER_ADDRESS: '1000000',
    KEYHAVEN_REALM_REQUESTS_PER_USER: '1000000',
  })
})

interface Person {
  readonly subject: string
  readonly version: Uint8Array
  readonly secret: Uint8Array
}

async function registerAt(server: ServerProcess): Promise<Person> {
  const [subject, secret] = [freshSubject(), randomBytes(8)]
  const options = {
    configuration: configurationOf(server),
    transport: fleetTransport(fleet, subject),
    realmDeadlineMs,
  }
  const { version } = await register({ ...options, userInfo, pin: PIN, secret, numGuesses: NUM_GUESSES })
  return { subject, version, secret }
}

function recoverAt(server: ServerProcess, { subject }: Person): Promise<RecoverOutcome> {
  const transport = fleetTransport(fleet, subject)
  return recover({ configuration: configurationOf(server), transport, realmDeadlineMs, userInfo, pin: PIN })
}

function attemptMany(
  server: ServerProcess,
  person: Person,
  count: number,
  onEnd: () => void = () => undefined,
): Promise<Attempt[]> {
  const attempt = (): Promise<Attempt> => attemptEvaluation({ fleet, server, ...person }).finally(onEnd)
  return Promise.all(Array.from({ length: count }, attempt))
}

/** Kills the server a moment after a number of the burst's attempts have ended: a random one, but not all, unless told. */
function createKiller(server: ServerProcess, after: number = Math.floor(Math.random() * BURST)): () => void {
  let left = after
  const kill = (): void => {
    setTimeout(() => {
      server.kill('SIGKILL')
    }, Math.random() * 4)
  }
  if (left === 0) kill()
  return () => {
    left -= 1
    if (left === 0) kill()
  }
}

describe(`${KILLS} kills of a server in the middle of recoveries`, () => {
  it('never let more inputs be evaluated than there are guesses, and the right PIN recovers after each', async () => {
    let server = await fleet.start()
    let cut = 0
    const patient = await registerAt(server)
    for (let kill = 0; kill < KILLS; kill += 1) {
      const [next, besieged] = await Promise.all([fleet.start(), registerAt(server)])
      const evaluated: Attempt[] = []
      const work = Promise.all([
        // A besieged record, on which no right PIN ever comes: all evaluations there ever are count.
        attemptMany(server, besieged, BURST, createKiller(server, kill === 0 ? 0 : undefined)).then(
          (attempts) => evaluated.push(...attempts),
        ),
        // A patient one, whose own right PIN is cut off at any step of it.
        attemptMany(server, patient, 2),
        recoverAt(server, patient).catch(() => undefined),
      ])
      await Promise.all([work, server.exited])
      cut += countOf(evaluated, 'lost') > 0 ? 1 : 0
      evaluated.push(...(await attemptMany(next, besieged, BURST)))
      expect(countOf(evaluated, 'evaluated')).toBeLessThanOrEqual(NUM_GUESSES)
      expect(await recoverAt(next, patient)).toMatchObject({ status: 'recovered', secret: patient.secret })
      server = next
    }
    // Kills that came too late prove nothing. On a busy machine most do, so it is the soak that asks for many.
    expect(cut).toBeGreaterThan(SOAK ? KILLS / 5 : 0)
  }, 900_000)
})
