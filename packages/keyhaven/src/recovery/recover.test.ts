import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { randomBytes, utf8 } from '../crypto/bytes.ts'
import { toBase64, toHex } from '../crypto/text.ts'
import type { RealmFault } from '../errors.ts'
import { isKeyhavenError } from '../errors.ts'
import { recover } from './recover.ts'
import { register } from './register.ts'
import { remove } from './remove.ts'
import { encodeResponse } from './response-codec.ts'
import type { MemoryRealms } from './testing/memory-realms.ts'
import { createMemoryRealms } from './testing/memory-realms.ts'

const PIN = utf8('493817')
const WRONG_PIN = utf8('493818')
const userInfo = utf8('person')

function optionsFor(realms: MemoryRealms): {
  readonly configuration: MemoryRealms['configuration']
  readonly transport: MemoryRealms['transport']
  readonly userInfo: Uint8Array
  readonly realmDeadlineMs: number
} {
  return {
    configuration: realms.configuration,
    transport: realms.transport,
    userInfo,
    realmDeadlineMs: 60_000,
  }
}

async function registered(input: {
  readonly count: number
  readonly recoverThreshold: number
  readonly registerThreshold?: number
}): Promise<{ readonly realms: MemoryRealms; readonly secret: Uint8Array }> {
  const realms = createMemoryRealms(input)
  const secret = randomBytes(69)
  await register({ ...optionsFor(realms), pin: PIN, secret, numGuesses: 3 })
  return { realms, secret }
}

async function faultOf(promise: Promise<unknown>): Promise<{ code: string; realms: readonly RealmFault[] }> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isKeyhavenError(error)) throw new Error('It did not throw a KeyhavenError.')
  const details: unknown = error.details
  const realms =
    typeof details === 'object' && details !== null && 'realms' in details
      ? (details.realms as readonly RealmFault[])
      : []
  return { code: error.code, realms }
}

describe('register and recover', () => {
  it.each([
    { count: 1, recoverThreshold: 1 },
    { count: 3, recoverThreshold: 2 },
    { count: 3, recoverThreshold: 3 },
    { count: 5, recoverThreshold: 3 },
  ])('give the secret back by $recoverThreshold of $count realms', async (input) => {
    const { realms, secret } = await registered(input)
    const outcome = await recover({ ...optionsFor(realms), pin: PIN })
    expect(outcome).toMatchObject({ status: 'recovered', secret, faults: [] })
    expect(realms.realms.map(({ record }) => record.state === 'registered' && record.guessCount)).toEqual(
      realms.realms.map(() => 0),
    )
  })

  it('keep secrets of 1 and of 128 bytes, and refuse 0 and 129 before anything is sent', async () => {
    for (const length of [1, 128]) {
      const realms = createMemoryRealms({ count: 1, recoverThreshold: 1 })
      const secret = randomBytes(length)
      await register({ ...optionsFor(realms), pin: PIN, secret, numGuesses: 1 })
      expect(await recover({ ...optionsFor(realms), pin: PIN })).toMatchObject({
        status: 'recovered',
        secret,
      })
    }
    const realms = createMemoryRealms({ count: 1, recoverThreshold: 1 })
    for (const length of [0, 129]) {
      const attempt = register({
        ...optionsFor(realms),
        pin: PIN,
        secret: new Uint8Array(length),
        numGuesses: 1,
      })
      expect(await faultOf(attempt)).toMatchObject({ code: 'ERR_INPUT_INVALID' })
    }
    for (const numGuesses of [0, -1, 1.5, 65536]) {
      const attempt = register({ ...optionsFor(realms), pin: PIN, secret: randomBytes(1), numGuesses })
      expect(await faultOf(attempt)).toMatchObject({ code: 'ERR_INPUT_INVALID' })
    }
    expect(realms.realms[0]?.requests).toEqual([])
  })

  it('count wrong PINs down, lock, and stay locked for the right one', async () => {
    const { realms } = await registered({ count: 3, recoverThreshold: 2 })
    for (const guessesRemaining of [2, 1, 0]) {
      expect(await recover({ ...optionsFor(realms), pin: WRONG_PIN })).toEqual({
        status: 'wrong-pin',
        guessesRemaining,
        faults: [],
      })
    }
    expect(await recover({ ...optionsFor(realms), pin: PIN })).toMatchObject({ status: 'locked' })
  })

  it('start the count again after a right PIN', async () => {
    const { realms } = await registered({ count: 3, recoverThreshold: 2 })
    for (let round = 0; round < 3; round += 1) {
      await recover({ ...optionsFor(realms), pin: WRONG_PIN })
      expect(await recover({ ...optionsFor(realms), pin: WRONG_PIN })).toMatchObject({ guessesRemaining: 1 })
      expect(await recover({ ...optionsFor(realms), pin: PIN })).toMatchObject({ status: 'recovered' })
    }
  })

  it('bind the secret to the user info', async () => {
    const { realms } = await registered({ count: 1, recoverThreshold: 1 })
    const outcome = await recover({ ...optionsFor(realms), userInfo: utf8('another'), pin: PIN })
    expect(outcome).toMatchObject({ status: 'wrong-pin' })
  })

  it('replace what was registered before, whatever its count', async () => {
    const { realms } = await registered({ count: 3, recoverThreshold: 2 })
    for (let guess = 0; guess < 3; guess += 1) await recover({ ...optionsFor(realms), pin: WRONG_PIN })
    const secret = randomBytes(32)
    await register({ ...optionsFor(realms), pin: WRONG_PIN, secret, numGuesses: 3 })
    expect(await recover({ ...optionsFor(realms), pin: WRONG_PIN })).toMatchObject({
      status: 'recovered',
      secret,
    })
  })

  it('name the steps as they begin', async () => {
    const { realms } = await registered({ count: 1, recoverThreshold: 1 })
    const steps: string[] = []
    await recover({ ...optionsFor(realms), pin: PIN, onProgress: (step) => steps.push(step) })
    expect(steps).toEqual(['contacting', 'stretching', 'guessing', 'opening'])
  })
})

describe('not registered', () => {
  it('is what n − t + 1 realms say', async () => {
    const realms = createMemoryRealms({ count: 3, recoverThreshold: 2 })
    expect(await recover({ ...optionsFor(realms), pin: PIN })).toMatchObject({ status: 'not-registered' })
  })

  it('is not what one forgetful realm can bring about', async () => {
    const { realms, secret } = await registered({ count: 3, recoverThreshold: 2 })
    const [first] = realms.realms
    if (first) first.record = { state: 'not-registered' }
    expect(await recover({ ...optionsFor(realms), pin: PIN })).toMatchObject({
      status: 'recovered',
      secret,
      faults: [{ realmId: realms.ids[0], fault: 'not-registered' }],
    })
  })

  it('is not what one forgetful realm and one that is down amount to', async () => {
    const { realms } = await registered({ count: 3, recoverThreshold: 2 })
    const [first, second] = realms.realms
    if (first) first.record = { state: 'not-registered' }
    if (second) second.bend = () => ({ kind: 'unreachable' })
    const fault = await faultOf(recover({ ...optionsFor(realms), pin: PIN }))
    expect(fault.code).toBe('ERR_REALMS_UNAVAILABLE')
    expect(fault.realms).toContainEqual({ realmId: realms.ids[1], fault: 'unreachable' })
  })

  it('is not what three different states amount to', async () => {
    const { realms } = await registered({ count: 3, recoverThreshold: 2 })
    const [first, second] = realms.realms
    if (first) first.record = { state: 'not-registered' }
    if (second) second.record = { state: 'no-guesses', guarded: undefined }
    expect(await faultOf(recover({ ...optionsFor(realms), pin: PIN }))).toMatchObject({
      code: 'ERR_REGISTRATION_SPLIT',
    })
  })

  it('follows a removal', async () => {
    const { realms } = await registered({ count: 3, recoverThreshold: 2 })
    const { removed, remainsOn, faults } = await remove(optionsFor(realms))
    expect([removed.map(toHex), remainsOn, faults]).toEqual([realms.ids, [], []])
    expect(await recover({ ...optionsFor(realms), pin: PIN })).toMatchObject({ status: 'not-registered' })
  })
})

describe('realms that are away', () => {
  it('do not stop a registration that enough others store', async () => {
    const realms = createMemoryRealms({ count: 3, recoverThreshold: 2, registerThreshold: 2 })
    const [first] = realms.realms
    if (first) first.bend = () => ({ kind: 'unreachable' })
    const result = await register({ ...optionsFor(realms), pin: PIN, secret: randomBytes(1), numGuesses: 3 })
    expect(result.stored.map(toHex)).toEqual(realms.ids.slice(1))
    expect(result.faults).toEqual([{ realmId: realms.ids[0], fault: 'unreachable' }])
  })

  it('stop a registration before anything is overwritten when too few answer', async () => {
    const { realms, secret } = await registered({ count: 3, recoverThreshold: 2 })
    const [first] = realms.realms
    if (first) first.bend = () => ({ kind: 'refused', status: 503 })
    const again = register({ ...optionsFor(realms), pin: WRONG_PIN, secret: randomBytes(1), numGuesses: 3 })
    expect(await faultOf(again)).toEqual({
      code: 'ERR_REALMS_UNAVAILABLE',
      realms: [{ realmId: realms.ids[0], fault: 'refused' }],
    })
    expect(await recover({ ...optionsFor(realms), pin: PIN })).toMatchObject({ status: 'recovered', secret })
  })

  it('are named where a removal leaves them', async () => {
    const { realms } = await registered({ count: 3, recoverThreshold: 2 })
    const [, second] = realms.realms
    if (second) second.bend = () => ({ kind: 'unauthorized' })
    const { removed, remainsOn, faults } = await remove(optionsFor(realms))
    expect(removed.map(toHex)).toEqual([realms.ids[0], realms.ids[2]])
    expect(remainsOn.map(toHex)).toEqual([realms.ids[1]])
    expect(faults).toEqual([{ realmId: realms.ids[1], fault: 'unauthorized' }])
  })

  it('say how long to wait when they limit', async () => {
    const { realms } = await registered({ count: 3, recoverThreshold: 2 })
    const [, , third] = realms.realms
    if (third) third.bend = () => ({ kind: 'rate-limited', retryAfterSeconds: 59.5 })
    const outcome = await recover({ ...optionsFor(realms), pin: PIN })
    expect(outcome.faults).toEqual([{ realmId: realms.ids[2], fault: 'rate-limited', retryAfterSeconds: 60 }])
  })

  it('that say “too early” are waited for when too few others are left, and none counts a guess meanwhile', async () => {
    const { realms } = await registered({ count: 3, recoverThreshold: 2 })
    const [first, second, third] = realms.realms
    if (second) second.bend = () => ({ kind: 'rate-limited', retryAfterSeconds: 900 })
    if (third) third.bend = () => ({ kind: 'rate-limited', retryAfterSeconds: 60 })
    const outcome = await recover({ ...optionsFor(realms), pin: PIN })
    expect(outcome).toMatchObject({ status: 'waiting', retryAfterSeconds: 60 })
    for (const realm of [first, second, third]) expect(realm?.record).toMatchObject({ guessCount: 0 })
    if (first) first.record = { state: 'not-registered' }
    expect(await recover({ ...optionsFor(realms), pin: PIN })).toMatchObject({
      status: 'waiting',
      retryAfterSeconds: 900,
    })
  })

  it('count as unreachable when the transport throws', async () => {
    const { realms } = await registered({ count: 1, recoverThreshold: 1 })
    const transport = (): never => {
      throw new Error('a transport’s own trouble')
    }
    const fault = await faultOf(recover({ ...optionsFor(realms), transport, pin: PIN }))
    expect(fault).toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE', realms: [{ fault: 'unreachable' }] })
  })
})

describe('the caller’s signal', () => {
  it('ends an operation that waits for a hanging realm, and its calls with it', async () => {
    const { realms } = await registered({ count: 1, recoverThreshold: 1 })
    const controller = new AbortController()
    let calls = 0
    const attempt = recover({
      ...optionsFor(realms),
      pin: PIN,
      signal: controller.signal,
      transport: ({ signal }) =>
        new Promise(() => {
          calls += 1
          signal.addEventListener('abort', () => (calls -= 1))
          controller.abort()
        }),
    })
    expect(await faultOf(attempt)).toMatchObject({ code: 'ERR_ABORTED' })
    expect(calls).toBe(0)
  })

  it('that has fired already sends nothing', async () => {
    const { realms } = await registered({ count: 1, recoverThreshold: 1 })
    const before = realms.realms[0]?.requests.length
    const attempt = recover({ ...optionsFor(realms), pin: PIN, signal: AbortSignal.abort() })
    expect(await faultOf(attempt)).toMatchObject({ code: 'ERR_ABORTED' })
    expect(realms.realms[0]?.requests.length).toBe(before)
  })
})

describe('a realm that is slow to its first request', () => {
  it('is not waited for, and has counted nothing, when the others suffice', async () => {
    const { realms, secret } = await registered({ count: 3, recoverThreshold: 2 })
    const [, , slow] = realms.realms
    if (slow) slow.bend = () => new Promise(() => undefined)
    const outcome = await recover({ ...optionsFor(realms), pin: PIN })
    expect(outcome).toMatchObject({
      status: 'recovered',
      secret,
      faults: [{ realmId: realms.ids[2], fault: 'timeout' }],
    })
    expect(slow?.requests.at(-1)).toBe('recover1')
    expect(slow?.record).toMatchObject({ guessCount: 0 })
  })

  it('and answers while the others are at work is named as late, not as a liar', async () => {
    const { realms } = await registered({ count: 3, recoverThreshold: 2 })
    const [first, , slow] = realms.realms
    let ask: () => void = () => undefined
    const asked = new Promise<void>((resolve) => {
      ask = resolve
    })
    if (slow) {
      slow.bend = async ({ response }) => {
        await asked
        return { kind: 'ok', body: encodeResponse(response) }
      }
    }
    if (first) {
      first.bend = async ({ request, response }) => {
        if (request.kind === 'recover3') {
          ask()
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        return { kind: 'ok', body: encodeResponse(response) }
      }
    }
    expect(await recover({ ...optionsFor(realms), pin: PIN })).toMatchObject({
      status: 'recovered',
      faults: [{ realmId: realms.ids[2], fault: 'timeout' }],
    })
  })

  it('is waited for when one of the others turns out to lie', async () => {
    for (const lieAt of ['recover2', 'recover3'] as const) {
      const { realms, secret } = await registered({ count: 3, recoverThreshold: 2 })
      const [liar, , slow] = realms.realms
      let lied: () => void = () => undefined
      const afterTheLie = new Promise<void>((resolve) => {
        lied = resolve
      })
      if (liar) {
        liar.bend = ({ request }) => {
          if (request.kind !== lieAt) return undefined
          lied()
          return { kind: 'ok', body: utf8('nonsense') }
        }
      }
      if (slow) {
        slow.bend = async ({ request, response }) => {
          if (request.kind === 'recover1') await afterTheLie
          return { kind: 'ok', body: encodeResponse(response) }
        }
      }
      expect(await recover({ ...optionsFor(realms), pin: PIN })).toMatchObject({
        status: 'recovered',
        secret,
        faults: [{ realmId: realms.ids[0], fault: 'garbage' }],
      })
    }
  })
})

describe('what is thrown', () => {
  it('holds nothing of PIN, secret or user info', async () => {
    const marked = utf8('CANARY-7d1f')
    const spellings = ['CANARY-7d1f', toHex(marked), toBase64(marked).replace(/=+$/, ''), marked.join(',')]
    const { realms } = await registered({ count: 3, recoverThreshold: 2 })
    const options = { ...optionsFor(realms), pin: marked, userInfo: marked }
    const { realms: lying } = await registered({ count: 3, recoverThreshold: 2 })
    for (const realm of lying.realms) realm.bend = () => ({ kind: 'ok', body: marked })
    const lied = { ...optionsFor(lying), pin: marked, userInfo: marked }
    const attempts = [
      () => recover(lied),
      () => register({ ...lied, secret: marked, numGuesses: 3 }),
      () => register({ ...options, secret: new Uint8Array(129), numGuesses: 3 }),
      () => recover({ ...options, argon2id: ({ password }) => Promise.reject(new Error(String(password))) }),
      () => recover({ ...options, signal: AbortSignal.abort(marked) }),
    ]
    const find = (text: string): boolean => spellings.some((spelling) => text.includes(spelling))
    expect(find(inspect({ planted: marked.join(',') }))).toBe(true)
    for (const attempt of attempts) {
      const error = await attempt().catch((thrown: unknown) => thrown)
      expect(isKeyhavenError(error)).toBe(true)
      const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)
      expect(find(shown)).toBe(false)
    }
  })
})
