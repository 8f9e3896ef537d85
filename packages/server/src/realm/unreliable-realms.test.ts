/**
 * Realms that die, lie, or stand behind a bad network, before our client and before the npm package juicebox-sdk.
 */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isKeyhavenError } from 'keyhaven'
import { randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import { recover, register } from 'keyhaven/recovery'
import type { PinOptions, RecoverOutcome } from 'keyhaven/recovery'
import type { JuiceboxClient } from './testing/juicebox-sdk.ts'
import { loadJuiceboxSdk } from './testing/juicebox-sdk.ts'
import type { TestRealm } from './testing/realm-server.ts'
import {
  acmeToken,
  acmeTransport,
  jsonConfiguration,
  ourConfiguration,
  startTestRealm,
} from './testing/realm-server.ts'
import { deriveRecordId } from './token.ts'
import type { Mishap, UnreliableRealm } from './testing/unreliable-realm.ts'
import { startUnreliable } from './testing/unreliable-realm.ts'

const PIN = utf8('493817')
const WRONG_PIN = utf8('493818')
const INFO = utf8('artemis')
const ROUNDS = process.env['KEYHAVEN_SOAK'] === '1' ? 40 : 1
const ATTEMPTS = 10

let realms: readonly TestRealm[] = []
let createClient: (configuration: object) => JuiceboxClient
let subject = ''

beforeAll(async () => {
  realms = await Promise.all(Array.from({ length: 5 }, () => startTestRealm()))
  createClient = await loadJuiceboxSdk((realmId) => acmeToken(realmId, subject))
})

beforeEach(() => {
  subject = toHex(randomBytes(16))
})

/** Flips a bit of the byte at a place in the answer, counted from its end; answers of other requests stay honest. */
function lieAbout(request: string, fromEnd: number): (honest: Uint8Array) => Uint8Array {
  return (honest) => {
    if (!Buffer.from(honest).includes(request)) return honest
    const changed = honest.slice()
    const place = changed.length - fromEnd
    changed[place] = (changed[place] ?? 0) ^ 1
    return changed
  }
}

describe.each([
  { name: '2 of 3', used: 3, threshold: 2 },
  { name: '3 of 5', used: 5, threshold: 3 },
])('juicebox-sdk at our realms, $name', ({ used, threshold }) => {
  let proxies: readonly UnreliableRealm[] = []
  let secret: Uint8Array
  let sdk: JuiceboxClient

  beforeEach(async () => {
    const some = realms.slice(0, used)
    proxies = await Promise.all(some.map(startUnreliable))
    secret = randomBytes(32)
    await createClient(jsonConfiguration(some, threshold)).register(PIN, secret, INFO, 5)
    sdk = createClient(jsonConfiguration(proxies, threshold))
  })

  it('recovers while one of them is dead', async () => {
    proxies[0]?.kill()
    expect(new Uint8Array(await sdk.recover(PIN, INFO))).toEqual(secret)
  })

  it.each([
    ['Recover1', 1],
    ['Recover2', 60],
    ['Recover3', 1],
  ])('recovers while one of them lies at %s', async (request, fromEnd) => {
    proxies[0]?.lie(lieAbout(request, fromEnd))
    expect(new Uint8Array(await sdk.recover(PIN, INFO))).toEqual(secret)
  })
})

describe('our client behind a bad network', () => {
  const MISHAPS: readonly Mishap[] = [
    'none',
    'none',
    'dropped',
    'unanswered',
    'twice',
    'truncated',
    'late',
    'slow',
    'silent',
  ]
  let proxies: readonly UnreliableRealm[] = []
  let options: PinOptions

  beforeAll(async () => {
    proxies = await Promise.all(realms.slice(0, 3).map(startUnreliable))
  })

  beforeEach(() => {
    const some = realms.slice(0, 3)
    options = {
      configuration: ourConfiguration(some, 2),
      transport: acmeTransport(subject),
      userInfo: INFO,
      pin: PIN,
    }
  })

  /** One attempt behind the proxies; `undefined` where too few realms were heard. */
  async function attempt(pin: Uint8Array, realmDeadlineMs = 1500): Promise<RecoverOutcome | undefined> {
    const configuration = ourConfiguration(proxies, 2)
    try {
      return await recover({ ...options, configuration, pin, realmDeadlineMs })
    } catch (fault) {
      if (isKeyhavenError(fault, 'ERR_REALMS_UNAVAILABLE')) return undefined
      throw fault
    }
  }

  /** What each realm has charged so far today, whether a right PIN came after it or not. */
  async function readCharges(): Promise<readonly number[]> {
    const recordId = deriveRecordId({ tenant: 'acme', subject, context: undefined })
    return Promise.all(
      realms.slice(0, 3).map(async ({ database }) => {
        const [row] = await database.asSuperuser<{ spent_evaluations: number }>(
          'SELECT spent_evaluations FROM realm.records WHERE record_id = $1',
          [recordId],
        )
        return row?.spent_evaluations ?? Number.NaN
      }),
    )
  }

  /** Draws what happens to the requests of one attempt at each realm, and gives the draw. */
  function draw(): string {
    const plan = proxies.map((proxy) => {
      const mishaps = Array.from(randomBytes(8), (byte) => MISHAPS[byte % MISHAPS.length] ?? 'none')
      let step = 0
      proxy.behave(() => mishaps[step++ % mishaps.length] ?? 'none')
      return mishaps.join(' ')
    })
    return plan.join(' / ')
  }

  it.each(Array.from({ length: ROUNDS }, (_, round) => round))(
    'is charged once at most for an attempt, and never told a falsehood (round %i)',
    async () => {
      const secret = randomBytes(32)
      await register({ ...options, secret, numGuesses: 2 * ATTEMPTS })
      for (let number = 1; number <= ATTEMPTS; number += 1) {
        const plan = draw()
        const isRight = number % 2 === 0
        const outcome = await attempt(isRight ? PIN : WRONG_PIN)
        if (outcome?.status === 'recovered') expect(outcome.secret, plan).toEqual(secret)
        expect([undefined, isRight ? 'recovered' : 'wrong-pin'], plan).toContain(outcome?.status)
        for (const charges of await readCharges()) expect(charges, plan).toBeLessThanOrEqual(number)
      }
      for (const proxy of proxies) proxy.behave(() => 'none')
      expect(await attempt(PIN, 120_000)).toMatchObject({ status: 'recovered', secret })
    },
  )
})
