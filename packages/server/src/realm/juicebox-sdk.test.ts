import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import type { PinOptions } from 'keyhaven/recovery'
import { recover, register, remove } from 'keyhaven/recovery'
import type { JuiceboxClient, JuiceboxRecoverError } from './testing/juicebox-sdk.ts'
import { JUICEBOX_INVALID_PIN, JUICEBOX_NOT_REGISTERED, loadJuiceboxSdk } from './testing/juicebox-sdk.ts'
import type { TestRealm } from './testing/realm-server.ts'
import {
  acmeToken,
  acmeTransport,
  jsonConfiguration,
  ourConfiguration,
  startTestRealm,
} from './testing/realm-server.ts'

const PIN = utf8('493817')
const WRONG_PIN = utf8('493818')
const INFO = utf8('artemis')

let realms: readonly TestRealm[] = []
let createClient: (configuration: object) => JuiceboxClient
let subject = ''

beforeAll(async () => {
  realms = await Promise.all([startTestRealm(), startTestRealm(), startTestRealm()])
  createClient = await loadJuiceboxSdk((realmId) => acmeToken(realmId, subject))
})

beforeEach(() => {
  subject = toHex(randomBytes(16))
})

/** What the SDK's recovery error says; its fields are getters into wasm. */
async function failureOf(
  promise: Promise<unknown>,
): Promise<{ readonly reason: number; readonly guessesLeft: number | undefined }> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown as JuiceboxRecoverError,
  )
  if (error === undefined) throw new Error('It did not fail.')
  return { reason: error.reason, guessesLeft: error.guesses_remaining }
}

describe.each([
  { name: '1 of 1', used: 1, threshold: 1 },
  { name: '2 of 3', used: 3, threshold: 2 },
])('the npm package juicebox-sdk at our realms, $name', ({ used, threshold }) => {
  let sdk: JuiceboxClient
  let ours: Omit<PinOptions, 'pin'>

  beforeEach(() => {
    const some = realms.slice(0, used)
    sdk = createClient(jsonConfiguration(some, threshold))
    ours = {
      configuration: ourConfiguration(some, threshold),
      transport: acmeTransport(subject),
      userInfo: INFO,
    }
  })

  it('registers and recovers', async () => {
    const secret = randomBytes(128)
    await sdk.register(PIN, secret, INFO, 3)
    expect(new Uint8Array(await sdk.recover(PIN, INFO))).toEqual(secret)
  })

  it('finds nothing where nothing is registered', async () => {
    expect(await failureOf(sdk.recover(PIN, INFO))).toMatchObject({ reason: JUICEBOX_NOT_REGISTERED })
  })

  it('recovers what our client registered', async () => {
    const secret = randomBytes(69)
    await register({ ...ours, pin: PIN, secret, numGuesses: 3 })
    expect(new Uint8Array(await sdk.recover(PIN, INFO))).toEqual(secret)
  })

  it('registers what our client recovers', async () => {
    const secret = randomBytes(1)
    await sdk.register(PIN, secret, INFO, 3)
    expect(await recover({ ...ours, pin: PIN })).toMatchObject({ status: 'recovered', secret })
  })

  it('sees wrong PINs count down and lock, as our client does', async () => {
    await sdk.register(PIN, randomBytes(8), INFO, 3)
    expect(await failureOf(sdk.recover(WRONG_PIN, INFO))).toMatchObject({
      reason: JUICEBOX_INVALID_PIN,
      guessesLeft: 2,
    })
    expect(await recover({ ...ours, pin: WRONG_PIN })).toMatchObject({
      status: 'wrong-pin',
      guessesRemaining: 1,
    })
    expect(await failureOf(sdk.recover(WRONG_PIN, INFO))).toMatchObject({ guessesLeft: 0 })
    expect(await failureOf(sdk.recover(PIN, INFO))).toMatchObject({
      reason: JUICEBOX_INVALID_PIN,
      guessesLeft: 0,
    })
    expect(await recover({ ...ours, pin: PIN })).toMatchObject({ status: 'locked' })
  })

  it('starts the count again after a right PIN', async () => {
    await sdk.register(PIN, randomBytes(8), INFO, 2)
    for (let round = 0; round < 2; round += 1) {
      expect(await failureOf(sdk.recover(WRONG_PIN, INFO))).toMatchObject({ guessesLeft: 1 })
      await sdk.recover(PIN, INFO)
    }
  })

  it('registers anew over what was locked', async () => {
    await sdk.register(PIN, randomBytes(8), INFO, 1)
    await failureOf(sdk.recover(WRONG_PIN, INFO))
    const secret = randomBytes(8)
    await sdk.register(WRONG_PIN, secret, INFO, 1)
    expect(await recover({ ...ours, pin: WRONG_PIN })).toMatchObject({ status: 'recovered', secret })
    expect(new Uint8Array(await sdk.recover(WRONG_PIN, INFO))).toEqual(secret)
  })

  it('deletes what our client registered, and the other way round', async () => {
    await register({ ...ours, pin: PIN, secret: randomBytes(8), numGuesses: 3 })
    await sdk.delete()
    expect(await recover({ ...ours, pin: PIN })).toMatchObject({ status: 'not-registered' })
    await sdk.register(PIN, randomBytes(8), INFO, 3)
    await remove(ours)
    expect(await failureOf(sdk.recover(PIN, INFO))).toMatchObject({ reason: JUICEBOX_NOT_REGISTERED })
  })
})

describe('with the protocol’s real PIN hash', () => {
  it('both clients read what the other wrote', async () => {
    const some = realms.slice(0, 1)
    const json = jsonConfiguration(some, 1, 'Standard2019')
    const sdk = createClient(json)
    const options = {
      configuration: { ...ourConfiguration(some, 1), pinHashingMode: 'Standard2019' as const },
      transport: acmeTransport(subject),
      userInfo: INFO,
      pin: PIN,
    }
    const secret = randomBytes(32)
    await sdk.register(PIN, secret, INFO, 3)
    expect(await recover(options)).toMatchObject({ status: 'recovered', secret })
    await register({ ...options, secret, numGuesses: 3 })
    expect(new Uint8Array(await sdk.recover(PIN, INFO))).toEqual(secret)
  })
})
