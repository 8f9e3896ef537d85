import { describe, expect, it } from 'vitest'
import type { RealmFault } from '../errors.ts'
import { isKeyhavenError } from '../errors.ts'
import type { Configuration } from './configuration.ts'
import type { Evaluation } from './messages.ts'
import type { VersionAnswer } from './outcome.ts'
import { concludeWithout, countAgreeing, guessesRemaining, settleVersion } from './outcome.ts'

const VERSION = new Uint8Array(16).fill(1)
const OTHER = new Uint8Array(16).fill(2)
const FAULT: RealmFault = { realmId: 'ab', fault: 'unreachable' }
const TOO_EARLY: RealmFault = { realmId: 'ab', fault: 'rate-limited', retryAfterSeconds: 60 }

const GIVEN = [
  { kind: 'recover1', status: 'ok', version: VERSION },
  { kind: 'recover1', status: 'ok', version: OTHER },
  { kind: 'recover1', status: 'not-registered' },
  { kind: 'recover1', status: 'no-guesses' },
  FAULT,
  TOO_EARLY,
] as const satisfies readonly VersionAnswer[]

function configurationOf(realms: number, recoverThreshold: number): Configuration {
  return {
    realms: Array.from({ length: realms }, (_, place) => ({
      id: new Uint8Array(16).fill(place),
      address: 'https://realm.example/',
    })),
    registerThreshold: realms,
    recoverThreshold,
    pinHashingMode: 'Standard2019',
  }
}

/** All lists of `length` items. */
function listsOf<T>(items: readonly T[], length: number): readonly (readonly T[])[] {
  if (length === 0) return [[]]
  return listsOf(items, length - 1).flatMap((list) => items.map((item) => [...list, item]))
}

/** The outcome by the protocol's own words, once every realm has answered. */
function outcomeOf(t: number, answers: readonly VersionAnswer[]): string {
  const n = answers.length
  const count = (given: VersionAnswer): number => answers.filter((answer) => answer === given).length
  if (count(GIVEN[0]) >= t) return 'version 1'
  if (count(GIVEN[1]) >= t) return 'version 2'
  if (count(GIVEN[3]) >= n - t + 1) return 'locked'
  if (count(GIVEN[2]) >= n - t + 1) return 'not-registered'
  const holders = Math.max(count(GIVEN[0]), count(GIVEN[1]))
  if (count(TOO_EARLY) > 0 && count(TOO_EARLY) + holders >= t) return 'waiting'
  return count(FAULT) + count(TOO_EARLY) === 0 ? 'ERR_REGISTRATION_SPLIT' : 'ERR_REALMS_UNAVAILABLE'
}

function faultsOf(answers: readonly VersionAnswer[]): readonly RealmFault[] {
  const kinds = [
    'other-version',
    'other-version',
    'not-registered',
    'locked',
    'unreachable',
    'rate-limited',
  ] as const
  return answers.map((answer) => ({
    realmId: 'ab',
    ...(answer === TOO_EARLY && { retryAfterSeconds: 60 }),
    fault:
      answer === undefined ? 'timeout' : (kinds[GIVEN.findIndex((given) => given === answer)] ?? 'refused'),
  }))
}

/** What the code makes of it, also while some answers are awaited. */
function decided(configuration: Configuration, answers: readonly VersionAnswer[]): string | undefined {
  const version = settleVersion(configuration, answers)
  if (version === undefined) return undefined
  if (version !== 'none') return version === VERSION ? 'version 1' : 'version 2'
  try {
    return concludeWithout(configuration, faultsOf(answers), countAgreeing(answers)).status
  } catch (error) {
    return isKeyhavenError(error) ? error.code : String(error)
  }
}

describe.each([
  { n: 1, t: 1 },
  { n: 2, t: 2 },
  { n: 3, t: 2 },
  { n: 3, t: 3 },
  { n: 4, t: 3 },
])('$t of $n realms: every combination of answers', ({ n, t }) => {
  const configuration = configurationOf(n, t)

  it('has the outcome that the protocol’s words give it', () => {
    for (const answers of listsOf(GIVEN, n))
      expect(decided(configuration, answers)).toBe(outcomeOf(t, answers))
  })

  it('is decided early only when no answer that is still to come could change it', () => {
    let early = 0
    for (const answers of listsOf<VersionAnswer>([undefined, ...GIVEN], n)) {
      const open = answers.flatMap((answer, place) => (answer === undefined ? [place] : []))
      const now = decided(configuration, answers)
      if (open.length === 0 || now === undefined) continue
      early += 1
      for (const later of listsOf(GIVEN, open.length)) {
        const all = answers.map((answer, place) => answer ?? later[open.indexOf(place)])
        expect(outcomeOf(t, all)).toBe(now)
      }
    }
    expect(early > 0).toBe(n > 1)
  })
})

describe('a wait', () => {
  const waiting = (retryAfterSeconds: number): RealmFault => ({
    realmId: 'ab',
    fault: 'rate-limited',
    retryAfterSeconds,
  })

  it.each([
    { t: 2, helping: 1, waits: [900, 60], expected: 60 },
    { t: 2, helping: 0, waits: [900, 60, 5], expected: 60 },
    { t: 3, helping: 0, waits: [900, 60, 5], expected: 900 },
    { t: 2, helping: 2, waits: [900, 60], expected: 60 },
  ])('lasts until enough realms take a guess again: %j', ({ t, helping, waits, expected }) => {
    expect(concludeWithout(configurationOf(3, t), waits.map(waiting), helping)).toMatchObject({
      status: 'waiting',
      retryAfterSeconds: expected,
    })
  })
})

describe('guesses remaining', () => {
  it.each([
    [1, [[10, 3]], 7],
    [
      2,
      [
        [10, 3],
        [10, 4],
        [10, 5],
      ],
      6,
    ],
    [
      3,
      [
        [10, 3],
        [10, 4],
        [10, 5],
      ],
      5,
    ],
    [
      2,
      [
        [10, 3],
        [10, 12],
      ],
      0,
    ],
    [
      2,
      [
        [65535, 1],
        [10, 4],
        [10, 5],
      ],
      6,
    ],
  ])('are the %i-th largest of %j: %i', (threshold, counts, expected) => {
    const evaluations = counts.map(
      ([numGuesses, guessCount]) =>
        ({ numGuesses, guessCount }) as Pick<Evaluation, 'numGuesses' | 'guessCount'>,
    )
    expect(guessesRemaining(threshold, evaluations)).toBe(expected)
  })
})
