import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { concat, loadArgon2id, lp, toHex } from 'keyhaven/crypto'
import { recover } from 'keyhaven/recovery'
import type { Configuration, RecoverOutcome } from 'keyhaven/recovery'
import { createKeySync, httpTransport, normalizePin, openSession } from 'keyhaven/sync'
import type { KeySyncTransport } from 'keyhaven/sync'
import { createRealmTransport } from '../packages/keyhaven/src/sync/transport/realms.ts'
import { startBendingProxy } from './testing/bending-proxy.ts'
import type { BendingProxy, Misbehaviour } from './testing/bending-proxy.ts'
import * as does from './testing/misbehaviours.ts'
import { OTHER_PIN, PIN, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

/** Long enough for an honest realm on a busy machine; nobody waits longer for a silent one. */
const DEADLINE_MS = 5000
const MOST_GROWTH_BYTES = 192 * 1_048_576

const FAULTS: readonly (readonly [string, Misbehaviour, object])[] = [
  ['garbage', does.answering(200, 'no CBOR at all'), { fault: 'garbage' }],
  ['a page', does.answering(200, '<html></html>', { 'Content-Type': 'text/html' }), { fault: 'garbage' }],
  ['an empty answer', does.answering(200), { fault: 'garbage' }],
  ['a body without end', does.flood, { fault: 'garbage' }],
  ['a gzip bomb', does.bomb, { fault: 'garbage' }],
  ['a gzip that is none', does.answering(200, 'x', { 'Content-Encoding': 'gzip' }), {}],
  ['a cut connection', does.cutAtOnce, { fault: 'unreachable' }],
  ['a connection cut in the body', does.cutInBody, { fault: 'unreachable' }],
  ['another protocol', does.otherProtocol, { fault: 'unreachable' }],
  ['a head without measure', does.hugeHead, { fault: 'unreachable' }],
  ['no content', does.answering(204), { fault: 'refused' }],
  ['status 400', does.answering(400, '{}'), { fault: 'refused' }],
  ['status 401', does.answering(401), { fault: 'unauthorized' }],
  ['status 500', does.answering(500, 'x'.repeat(9000)), { fault: 'refused' }],
  ['status 503', does.answering(503), { fault: 'refused' }],
  [
    'a limit',
    does.answering(429, '', { 'Retry-After': '7' }),
    { fault: 'rate-limited', retryAfterSeconds: 7 },
  ],
  ['a limit without words', does.answering(429), { fault: 'rate-limited', retryAfterSeconds: 60 }],
]

const HANGING: readonly (readonly [string, Misbehaviour])[] = [
  ['silence', does.silence],
  ['a byte now and then', does.drip],
]

const STEPS = ['Recover1', 'Recover2', 'Recover3']

let place: Place
let device: TestPerson
let tokens: ReadonlyMap<string, string>
let userInfo: Uint8Array

beforeAll(async () => {
  place = await openPlace({ realms: 3 })
  device = await place.newDevice()
  await device.keys.importKeys(makeKeys(2))
  await (await device.sync()).backup({ pin: PIN })
  const transport = await openTransport(device)
  const { pointer } = await transport.readPointer()
  tokens = await transport.realmTokens({
    registration: pointer?.registration ?? '',
    realmIds: pointer?.realms ?? [],
  })
  userInfo = concat(lp('keyhaven'), lp(Buffer.from(transport.accountId.replaceAll('-', ''), 'hex')))
})

async function openTransport(person: TestPerson): Promise<KeySyncTransport> {
  const session = await openSession({ vault: person.vault })
  if (session === undefined) throw new Error('The test device is not signed in.')
  return httpTransport({ session })
}

/** A realm whose share was asked for in vain has counted a guess; ten of them would destroy it. */
afterEach(async () => {
  expect(await guess(place.configuration, PIN)).toMatchObject({ status: 'recovered', faults: [] })
})

/** The place's configuration with a proxy before each realm. */
async function behindProxies(): Promise<{
  readonly configuration: Configuration
  readonly proxies: readonly BendingProxy[]
}> {
  const { realms } = place.configuration
  const proxies = await Promise.all(realms.map(({ address }) => startBendingProxy(new URL(address).origin)))
  const moved = realms.map((realm, index) => ({
    ...realm,
    address: `${proxies[index]?.origin ?? ''}/realm/`,
  }))
  return { configuration: { ...place.configuration, realms: moved }, proxies }
}

/** One PIN tried at the registration of `device`, through the library's own transport. */
async function guess(configuration: Configuration, pin: string): Promise<RecoverOutcome> {
  const { realms } = configuration
  const post = createRealmTransport({ fetch, tokens, deadlineMs: DEADLINE_MS })
  // A guess starts as soon as enough realms have said what they hold. Here it waits for all, so that each takes part.
  const polled: Promise<unknown>[] = []
  const argon2id = await loadArgon2id()
  return recover({
    configuration,
    transport: (call) => {
      const answer = post(call)
      if (polled.length < realms.length) polled.push(answer)
      return answer
    },
    argon2id: async (input) => {
      await Promise.all(polled)
      return argon2id(input)
    },
    pin: normalizePin(pin),
    userInfo,
    realmDeadlineMs: DEADLINE_MS,
  })
}

/** Runs `work` and gives how much more memory this process had at most while it ran, in bytes. */
async function measureGrowth(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 5)
  await work().finally(() => {
    clearInterval(timer)
  })
  return Math.max(most, process.memoryUsage.rss()) - before
}

describe('one of three realms that, over real HTTP, answers with', () => {
  test.each(FAULTS)('%s is named, and the others give the secret', async (_, bend, fault) => {
    const { configuration, proxies } = await behindProxies()
    const [liar] = proxies
    const realmId = toHex(configuration.realms[0]?.id ?? new Uint8Array())
    for (const step of STEPS) {
      liar?.misbehave(step, bend)
      expect(await guess(configuration, PIN)).toMatchObject({
        status: 'recovered',
        faults: [{ realmId, ...fault }],
      })
      await liar?.idle()
    }
  })

  test.each(HANGING)('%s is given up at the deadline, and its connection with it', async (_, bend) => {
    const guesses = STEPS.map(async (step) => {
      const { configuration, proxies } = await behindProxies()
      proxies[2]?.misbehave(step, bend)
      const realmId = toHex(configuration.realms[2]?.id ?? new Uint8Array())
      expect(await guess(configuration, PIN)).toMatchObject({
        status: 'recovered',
        faults: [{ realmId, fault: 'timeout' }],
      })
      await proxies[2]?.idle()
    })
    await Promise.all(guesses)
  })

  test('a redirection is not followed, with a token or without', async () => {
    const { configuration, proxies } = await behindProxies()
    const elsewhere = await startBendingProxy('http://127.0.0.1:9')
    let visits = 0
    elsewhere.misbehave('', (answer) => {
      visits += 1
      answer.end()
    })
    for (const status of [301, 302, 303, 307, 308]) {
      proxies[0]?.misbehave(
        'Recover2',
        does.answering(status, '', { Location: `${elsewhere.origin}/realm/req` }),
      )
      expect(await guess(configuration, PIN)).toMatchObject({
        status: 'recovered',
        faults: [{ fault: 'unreachable' }],
      })
    }
    expect(visits).toBe(0)
  })

  test('gigabytes, packed or not, costs this device no memory to speak of', async () => {
    for (const bend of [does.flood, does.bomb]) {
      const { configuration, proxies } = await behindProxies()
      proxies[0]?.misbehave('', bend)
      const growth = await measureGrowth(async () => {
        await guess(configuration, PIN)
        await proxies[0]?.idle()
      })
      expect(growth).toBeLessThan(MOST_GROWTH_BYTES)
    }
  })

  test.each(['Recover1', 'Recover2'])(
    'a fault at %s hides no wrong PIN, and costs no guess more',
    async (step) => {
      const { configuration, proxies } = await behindProxies()
      proxies[1]?.misbehave(step, does.cutInBody)
      expect(await guess(configuration, OTHER_PIN)).toMatchObject({
        status: 'wrong-pin',
        guessesRemaining: 9,
      })
      expect(await guess(place.configuration, PIN)).toMatchObject({ status: 'recovered', faults: [] })
    },
  )
})

test.each([
  ['cut off', does.cutAtOnce],
  ['bombs', does.bomb],
  ['401', does.answering(401)],
])('two of three realms that answer with %s are a coded fault, never “not registered”', async (_, bend) => {
  const { configuration, proxies } = await behindProxies()
  for (const step of STEPS) {
    for (const proxy of proxies.slice(1)) proxy.misbehave(step, bend)
    await expect(guess(configuration, PIN)).rejects.toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE' })
  }
  expect(await guess(place.configuration, PIN)).toMatchObject({ status: 'recovered' })
})

test('a whole restore goes through while one realm floods its client', async () => {
  const { configuration, proxies } = await behindProxies()
  proxies[0]?.misbehave('Recover', does.flood)
  const old = await place.newDevice()
  await old.keys.importKeys(makeKeys(2))
  await (await old.sync()).backup({ pin: PIN })
  const fresh = await place.newDevice({ phone: old.phone })
  const parts = { vault: fresh.vault, configuration, realmDeadlineMs: DEADLINE_MS }
  const sync = createKeySync({ ...parts, transport: await openTransport(fresh) })
  expect(await sync.restore({ pin: PIN })).toMatchObject({ status: 'restored', conversationKeys: 2 })
  expect(await fresh.keys.exportKeys()).toEqual(await old.keys.exportKeys())
})
