import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../crypto/hkdf.ts'
import type { RealmRequest, Registration } from './messages.ts'
import { FREE_REPEATS, FREE_REPEAT_MS, LAST_ATTEMPT_MS, complete, decide } from './realm.ts'
import type { DecideResult, RealmRecord, RegisteredRecord } from './realm.ts'

const NOW = 1_700_000_000_000
const VERSION = new Uint8Array(16).fill(1)
const OTHER_VERSION = new Uint8Array(16).fill(2)
const TAG = new Uint8Array(16).fill(3)
const WRONG_TAG = new Uint8Array(16).fill(4)
const NUM_GUESSES = 3

function input(number: number): Uint8Array {
  return new Uint8Array(32).fill(number)
}

const registration: Registration = {
  oprfPrivateKey: input(1),
  signedPublicKey: { publicKey: input(2), verifyingKey: input(3), signature: new Uint8Array(64) },
  unlockKeyCommitment: input(4),
  encryptionKeyShare: input(5),
  encryptedSecret: new Uint8Array(145),
  encryptedSecretCommitment: new Uint8Array(16),
}

const REQUESTS = {
  register1: { kind: 'register1' },
  register2: { kind: 'register2', version: OTHER_VERSION, registration, unlockKeyTag: TAG, numGuesses: 7 },
  recover1: { kind: 'recover1' },
  'recover2 new': { kind: 'recover2', version: VERSION, blindedInput: input(99) },
  'recover2 repeated': { kind: 'recover2', version: VERSION, blindedInput: input(0) },
  'recover2 other version': { kind: 'recover2', version: OTHER_VERSION, blindedInput: input(0) },
  'recover3 right': { kind: 'recover3', version: VERSION, unlockKeyTag: TAG },
  'recover3 wrong': { kind: 'recover3', version: VERSION, unlockKeyTag: WRONG_TAG },
  'recover3 other version': { kind: 'recover3', version: OTHER_VERSION, unlockKeyTag: TAG },
  delete: { kind: 'delete' },
} as const satisfies Readonly<Record<string, RealmRequest>>

function registered(guessCount: number, lastAttemptUntil?: number): RegisteredRecord {
  return {
    state: 'registered',
    version: VERSION,
    numGuesses: NUM_GUESSES,
    guessCount,
    unlockKeyTagHash: sha256(TAG),
    charged: Array.from({ length: guessCount }, (_, number) => ({
      hash: sha256(input(number)),
      chargedAt: NOW,
      repeats: 0,
    })),
    lastAttemptUntil,
    spent: { day: 0, evaluations: 0 },
    guard: undefined,
  }
}

const RECORDS = {
  'not registered': { state: 'not-registered' },
  fresh: registered(0),
  'one used': registered(1),
  'last attempt': registered(NUM_GUESSES, NOW + 1),
  'last attempt over': registered(NUM_GUESSES, NOW),
  'no guesses': { state: 'no-guesses', guarded: undefined },
} as const satisfies Readonly<Record<string, RealmRecord>>

/** What is done, and what the record is afterwards, in a few words. */
function summary({ record, decision, event }: DecideResult): string {
  const response = decision.kind === 'respond' ? decision.response : undefined
  const answer = response === undefined ? decision.kind : `${response.kind} ${response.status}`
  const after = record.state === 'registered' ? `${record.guessCount}/${record.numGuesses}` : record.state
  return `${answer} -> ${after}${event === undefined ? '' : `, ${event.type}`}`
}

const REFUSED = 'recovery_refused'
const TABLE: Readonly<Record<keyof typeof RECORDS, Readonly<Record<keyof typeof REQUESTS, string>>>> = {
  'not registered': {
    register1: 'register1 ok -> not-registered',
    register2: 'store -> 0/7, registered',
    recover1: 'recover1 not-registered -> not-registered',
    'recover2 new': 'recover2 not-registered -> not-registered',
    'recover2 repeated': 'recover2 not-registered -> not-registered',
    'recover2 other version': 'recover2 not-registered -> not-registered',
    'recover3 right': 'recover3 not-registered -> not-registered',
    'recover3 wrong': 'recover3 not-registered -> not-registered',
    'recover3 other version': 'recover3 not-registered -> not-registered',
    delete: 'delete ok -> not-registered',
  },
  fresh: {
    register1: 'register1 ok -> 0/3',
    register2: 'store -> 0/7, registered',
    recover1: 'recover1 ok -> 0/3',
    'recover2 new': 'evaluate -> 1/3, guess_used',
    'recover2 repeated': 'evaluate -> 1/3, guess_used',
    'recover2 other version': `recover2 version-mismatch -> 0/3, ${REFUSED}`,
    'recover3 right': 'release -> 0/3, share_recovered',
    'recover3 wrong': `recover3 bad-unlock-key-tag -> 0/3, ${REFUSED}`,
    'recover3 other version': `recover3 version-mismatch -> 0/3, ${REFUSED}`,
    delete: 'delete ok -> not-registered, deleted',
  },
  'one used': {
    register1: 'register1 ok -> 1/3',
    register2: 'store -> 0/7, registered',
    recover1: 'recover1 ok -> 1/3',
    'recover2 new': 'evaluate -> 2/3, guess_used',
    'recover2 repeated': 'evaluate -> 1/3',
    'recover2 other version': `recover2 version-mismatch -> 1/3, ${REFUSED}`,
    'recover3 right': 'release -> 0/3, share_recovered',
    'recover3 wrong': `recover3 bad-unlock-key-tag -> 1/3, ${REFUSED}`,
    'recover3 other version': `recover3 version-mismatch -> 1/3, ${REFUSED}`,
    delete: 'delete ok -> not-registered, deleted',
  },
  'last attempt': {
    register1: 'register1 ok -> 3/3',
    register2: 'store -> 0/7, registered',
    recover1: `recover1 no-guesses -> 3/3, ${REFUSED}`,
    'recover2 new': `recover2 no-guesses -> 3/3, ${REFUSED}`,
    'recover2 repeated': 'evaluate -> 3/3',
    'recover2 other version': `recover2 no-guesses -> 3/3, ${REFUSED}`,
    'recover3 right': 'release -> 0/3, share_recovered',
    'recover3 wrong': `recover3 bad-unlock-key-tag -> 3/3, ${REFUSED}`,
    'recover3 other version': `recover3 version-mismatch -> 3/3, ${REFUSED}`,
    delete: 'delete ok -> not-registered, deleted',
  },
  'last attempt over': noGuesses(),
  'no guesses': noGuesses(),
}

function noGuesses(): Readonly<Record<keyof typeof REQUESTS, string>> {
  return {
    register1: 'register1 ok -> no-guesses',
    register2: 'store -> 0/7, registered',
    recover1: `recover1 no-guesses -> no-guesses, ${REFUSED}`,
    'recover2 new': `recover2 no-guesses -> no-guesses, ${REFUSED}`,
    'recover2 repeated': `recover2 no-guesses -> no-guesses, ${REFUSED}`,
    'recover2 other version': `recover2 no-guesses -> no-guesses, ${REFUSED}`,
    'recover3 right': `recover3 no-guesses -> no-guesses, ${REFUSED}`,
    'recover3 wrong': `recover3 no-guesses -> no-guesses, ${REFUSED}`,
    'recover3 other version': `recover3 no-guesses -> no-guesses, ${REFUSED}`,
    delete: 'delete ok -> not-registered, deleted',
  }
}

describe('every request in every state', () => {
  for (const [state, row] of Object.entries(TABLE)) {
    for (const [request, expected] of Object.entries(row)) {
      it(`${request} when ${state}: ${expected}`, () => {
        const result = decide({
          record: RECORDS[state as keyof typeof RECORDS],
          request: REQUESTS[request as keyof typeof REQUESTS],
          now: NOW,
        })
        expect(summary(result)).toBe(expected)
      })
    }
  }

  it('that changes nothing gives the same record object back', () => {
    for (const request of ['register1', 'recover1', 'recover2 other version', 'recover3 wrong'] as const) {
      for (const record of [RECORDS['not registered'], RECORDS.fresh, RECORDS['last attempt']]) {
        expect(decide({ record, request: REQUESTS[request], now: NOW }).record).toBe(record)
      }
    }
  })
})

function recover2(record: RealmRecord, number: number, now: number = NOW): DecideResult {
  return decide({ record, request: { kind: 'recover2', version: VERSION, blindedInput: input(number) }, now })
}

describe('a repeated input', () => {
  it(`is free ${FREE_REPEATS} times, then charged again`, () => {
    let record: RealmRecord = RECORDS['one used']
    for (let repeat = 0; repeat < FREE_REPEATS; repeat += 1) {
      const result = recover2(record, 0)
      expect(summary(result)).toBe('evaluate -> 1/3')
      record = result.record
    }
    expect(summary(recover2(record, 0))).toBe('evaluate -> 2/3, guess_used')
  })

  it('is free for ten minutes, then charged again', () => {
    expect(summary(recover2(RECORDS['one used'], 0, NOW + FREE_REPEAT_MS - 1))).toBe('evaluate -> 1/3')
    expect(summary(recover2(RECORDS['one used'], 0, NOW + FREE_REPEAT_MS))).toBe(
      'evaluate -> 2/3, guess_used',
    )
  })

  it('is not known any more after a success, a new registration or a deletion', () => {
    for (const request of ['recover3 right', 'register2', 'delete'] as const) {
      const { record } = decide({ record: RECORDS['one used'], request: REQUESTS[request], now: NOW })
      expect(record.state === 'registered' ? record.charged : []).toEqual([])
    }
  })

  it('that uses the last guess up keeps its five minutes, and no repeat makes them longer', () => {
    const last = recover2(registered(NUM_GUESSES - 1), 77)
    expect(last.record).toMatchObject({ lastAttemptUntil: NOW + LAST_ATTEMPT_MS })
    const repeated = recover2(last.record, 77, NOW + LAST_ATTEMPT_MS - 1)
    expect(summary(repeated)).toBe('evaluate -> 3/3')
    expect(repeated.record).toMatchObject({ lastAttemptUntil: NOW + LAST_ATTEMPT_MS })
    expect(summary(recover2(repeated.record, 77, NOW + LAST_ATTEMPT_MS))).toContain('no-guesses')
  })
})

describe('registrations', () => {
  it('get at most as many guesses as the realm allows', () => {
    const { record } = decide({
      record: RECORDS['not registered'],
      request: REQUESTS.register2,
      now: NOW,
      terms: { guessCap: 5 },
    })
    expect(record).toMatchObject({ numGuesses: 5 })
  })

  it('keep nothing in clear but version, counts and the tag’s hash', () => {
    const { record } = decide({ record: RECORDS['not registered'], request: REQUESTS.register2, now: NOW })
    expect(record).toEqual({
      state: 'registered',
      version: OTHER_VERSION,
      numGuesses: 7,
      guessCount: 0,
      unlockKeyTagHash: sha256(TAG),
      charged: [],
      lastAttemptUntil: undefined,
      spent: { day: 0, evaluations: 0 },
      guard: undefined,
    })
  })
})

describe('answers', () => {
  it('that need the sealed part are not made without it', () => {
    expect(() => complete({ decision: { kind: 'release' } })).toThrow('An argument has the wrong shape.')
  })
})

describe('in any order of requests', () => {
  const step = fc.record({
    request: fc.oneof(
      fc
        .nat(9)
        .map((number) => ({ kind: 'recover2', version: VERSION, blindedInput: input(number) }) as const),
      fc.constant(REQUESTS.recover1),
      fc.constant(REQUESTS['recover3 wrong']),
    ),
    wait: fc.constantFrom(0, 1000, LAST_ATTEMPT_MS, FREE_REPEAT_MS),
  })

  it('no more distinct inputs are evaluated than there are guesses, and the count never falls', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let record: RealmRecord = RECORDS.fresh
        let now = NOW
        const evaluated = new Set<number | undefined>()
        for (const { request, wait } of steps) {
          now += wait
          const result = decide({ record, request, now })
          if (result.decision.kind === 'evaluate') evaluated.add(result.decision.blindedInput[0])
          if (record.state === 'registered' && result.record.state === 'registered') {
            expect(result.record.guessCount).toBeGreaterThanOrEqual(record.guessCount)
            expect(result.record.charged.length).toBeLessThanOrEqual(NUM_GUESSES)
          }
          if (record.state === 'no-guesses') expect(result.record.state).toBe('no-guesses')
          record = result.record
        }
        expect(evaluated.size).toBeLessThanOrEqual(NUM_GUESSES)
      }),
      { numRuns: 300 },
    )
  })
})
