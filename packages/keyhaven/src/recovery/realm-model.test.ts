/**
 * The realm's rules explored exhaustively for small numbers: every request in every order, by any number of clients and
 * thieves of tokens, and a clock that moves by the lengths that matter. The realm is a pure function, so what is explored
 * is the code that runs, not a copy of it.
 *
 * Requests about one record go one by one, by its row's lock, so an interleaving of clients is a sequence of requests. A
 * crash before the commit is no step. A crash after it counts as an answer, since what is on its way may arrive. Two
 * states are one when nothing later can tell them apart: times count from now, and inputs are interchangeable.
 */
import { describe, expect, it } from 'vitest'
import { sha256 } from '../crypto/hkdf.ts'
import { toHex } from '../crypto/text.ts'
import type { RealmRequest, Registration } from './messages.ts'
import { FREE_REPEATS, FREE_REPEAT_MS, LAST_ATTEMPT_MS, decide } from './realm.ts'
import type { DecideResult, RealmRecord, RealmTerms } from './realm.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const START = 1_700_000_000_000
const VERSION = new Uint8Array(16).fill(1)
const TAG = new Uint8Array(16).fill(2)
const WRONG_TAG = new Uint8Array(16).fill(3)

const registration: Registration = {
  oprfPrivateKey: new Uint8Array(32),
  signedPublicKey: {
    publicKey: new Uint8Array(32),
    verifyingKey: new Uint8Array(32),
    signature: new Uint8Array(64),
  },
  unlockKeyCommitment: new Uint8Array(32),
  encryptionKeyShare: new Uint8Array(32),
  encryptedSecret: new Uint8Array(145),
  encryptedSecretCommitment: new Uint8Array(16),
}

interface World {
  readonly record: RealmRecord
  readonly now: number
  /** Distinct inputs that were evaluated since the last success, by their places. */
  readonly evaluated: readonly number[]
}

interface Model {
  readonly guesses: number
  readonly terms: RealmTerms
  /** How far the clock may move at once. */
  readonly waits: readonly number[]
  /** No rule of the model looks further back. */
  readonly horizonMs: number
  /** False leaves out repeats of charged inputs, so that more of the rest is small. */
  readonly repeats: boolean
  readonly decide?: typeof decide
}

interface Explored {
  readonly states: number
  readonly steps: number
  /** What went wrong, by the rule; empty when all rules hold in all states. */
  readonly failures: readonly string[]
  /** Kinds of states that were reached. */
  readonly reached: readonly string[]
}

/** Goes through every state that can be reached, or up to the first that breaks a rule. */
function explore(model: Model): Explored {
  const inputs = Array.from({ length: model.guesses + 1 }, (_, place) => new Uint8Array(32).fill(place + 1))
  const first: World = { record: register(model), now: START, evaluated: [] }
  const seen = new Set([keyOf(first, model)])
  const open = [first]
  const failures = new Set<string>()
  const reached = new Set<string>()
  let steps = 0
  for (let world = open.pop(); world !== undefined && failures.size === 0; world = open.pop()) {
    reached.add(kindOf(world))
    for (const after of successors(world, model, inputs, failures)) {
      steps += 1
      const key = keyOf(after, model)
      if (seen.has(key)) continue
      seen.add(key)
      open.push(after)
    }
  }
  return { states: seen.size, steps, failures: [...failures], reached: [...reached].sort() }
}

function register({ guesses, terms }: Model): RealmRecord {
  const register2 = { kind: 'register2', version: VERSION, registration, unlockKeyTag: TAG } as const
  const request = { ...register2, numGuesses: guesses }
  return decide({ record: { state: 'not-registered' }, request, now: START, terms }).record
}

function successors(
  world: World,
  model: Model,
  inputs: readonly Uint8Array[],
  failures: Set<string>,
): readonly World[] {
  const requests: readonly RealmRequest[] = [
    { kind: 'recover1' },
    ...inputs
      .filter((_, place) => model.repeats || !world.evaluated.includes(place))
      .map((blindedInput) => ({ kind: 'recover2', version: VERSION, blindedInput }) as const),
    { kind: 'recover3', version: VERSION, unlockKeyTag: TAG },
    { kind: 'recover3', version: VERSION, unlockKeyTag: WRONG_TAG },
  ]
  const moved = model.waits.map((milliseconds) => ({ ...world, now: world.now + milliseconds }))
  const run = model.decide ?? decide
  const asked = requests.map((request) => {
    const result = run({ record: world.record, request, now: world.now, terms: model.terms })
    const after = learn({ ...world, record: result.record }, result, request)
    for (const [rule, holds] of Object.entries(RULES)) {
      if (!holds({ before: world, after, result, request, model })) failures.add(rule)
    }
    return after
  })
  return [...moved, ...asked]
}

function learn(world: World, { decision }: DecideResult, request: RealmRequest): World {
  if (decision.kind === 'release') return { ...world, evaluated: [] }
  if (decision.kind !== 'evaluate' || request.kind !== 'recover2') return world
  const place = (request.blindedInput[0] ?? 0) - 1
  return { ...world, evaluated: [...new Set([...world.evaluated, place])].sort() }
}

interface Step {
  readonly before: World
  readonly after: World
  readonly result: DecideResult
  readonly request: RealmRequest
  readonly model: Model
}

/** What must hold of every step from every state. */
const RULES: Readonly<Record<string, (step: Step) => boolean>> = {
  'no more distinct inputs are evaluated than there are guesses': ({ after, model }) =>
    after.evaluated.length <= model.guesses,
  'an answer that is not a repeat was counted': ({ before, after, result, request }) =>
    result.decision.kind !== 'evaluate' ||
    countOf(after.record) === countOf(before.record) + 1 ||
    isFreeRepeat(before, request),
  'the count falls by a success alone, and never passes the guesses': ({ before, after, result, model }) =>
    countOf(after.record) <= model.guesses &&
    (countOf(after.record) >= countOf(before.record) ||
      result.decision.kind === 'release' ||
      after.record.state === 'no-guesses'),
  'only the right tag gets the share, and a wrong one destroys nothing': ({ before, result, request }) =>
    request.kind !== 'recover3' ||
    (request.unlockKeyTag === TAG
      ? result.decision.kind === 'release' || isOver(before)
      : result.decision.kind === 'respond' && (result.record === before.record || isOver(before))),
  'after the last attempt’s window nothing is evaluated or released, for good': ({ before, after, result }) =>
    !isOver(before) ||
    (after.record.state === 'no-guesses' && !['evaluate', 'release'].includes(result.decision.kind)),
  'a new guess that is counted did not come before its wait or beyond the day': ({ before, after, model }) =>
    countOf(after.record) <= countOf(before.record) ||
    (mayGuess(before, model) && spentToday(before) < cap(model)),
}

function countOf(record: RealmRecord): number {
  return record.state === 'registered' ? record.guessCount : 0
}

function isOver({ record, now }: World): boolean {
  if (record.state !== 'registered') return true
  return record.guessCount >= record.numGuesses && now >= (record.lastAttemptUntil ?? 0)
}

function isFreeRepeat({ record, now }: World, request: RealmRequest): boolean {
  if (record.state !== 'registered' || request.kind !== 'recover2') return false
  const hash = toHex(sha256(request.blindedInput))
  const charge = record.charged.find((input) => toHex(input.hash) === hash)
  return charge !== undefined && charge.repeats < FREE_REPEATS && now - charge.chargedAt < FREE_REPEAT_MS
}

/** From the table of the rules, not from the code: 1 minute after the third wrong guess, 5 after the fourth. */
function mayGuess({ record, now }: World, { terms }: Model): boolean {
  if (record.state !== 'registered' || terms.waits !== true) return true
  const wait = [0, 0, 0, 1, 5][record.guessCount] ?? 15
  return now - Math.max(0, ...record.charged.map(({ chargedAt }) => chargedAt)) >= wait * MINUTE_MS
}

function spentToday({ record, now }: World): number {
  if (record.state !== 'registered' || record.spent.day !== Math.floor(now / DAY_MS)) return 0
  return record.spent.evaluations
}

function cap({ terms }: Model): number {
  return terms.evaluationsPerDay ?? Number.POSITIVE_INFINITY
}

function kindOf({ record }: World): string {
  if (record.state !== 'registered') return record.state
  return record.guessCount >= record.numGuesses ? 'last attempt' : `${String(record.guessCount)} used`
}

function keyOf(world: World, model: Model): string {
  const { record, now, evaluated } = world
  if (record.state !== 'registered') return record.state
  const inputs = record.charged.map(({ chargedAt, repeats }) => {
    const age = Math.min(now - chargedAt, model.horizonMs)
    return `${String(age)}/${String(repeats)}`
  })
  const left = record.lastAttemptUntil === undefined ? -1 : Math.max(0, record.lastAttemptUntil - now)
  const spent = Math.min(spentToday(world), model.terms.evaluationsPerDay === Infinity ? 0 : cap(model))
  return JSON.stringify([record.guessCount, inputs.sort(), left, spent, evaluated.length])
}

const COUNTING: Model = {
  guesses: 3,
  terms: { evaluationsPerDay: Infinity },
  waits: [LAST_ATTEMPT_MS, FREE_REPEAT_MS],
  horizonMs: FREE_REPEAT_MS,
  repeats: true,
}
const WAITING: Model = {
  guesses: 5,
  terms: { evaluationsPerDay: Infinity, waits: true },
  waits: [MINUTE_MS, LAST_ATTEMPT_MS],
  horizonMs: FREE_REPEAT_MS,
  repeats: false,
}
const DAILY: Model = {
  ...COUNTING,
  terms: { evaluationsPerDay: 4 },
  waits: [DAY_MS],
  horizonMs: FREE_REPEAT_MS,
}

describe('in every state that can be reached, every rule holds', () => {
  it.each([
    ['counting, repeats, the last attempt’s window and crashes, 3 guesses', COUNTING, 3, [1538, 13842]],
    ['waits after wrong guesses, 5 guesses', WAITING, 5, [1218, 8843]],
    ['the cap of evaluations for a day, 3 guesses', DAILY, 3, [792, 6336]],
  ])('%s', (_, model, guesses, figures) => {
    const { states, steps, failures, reached } = explore(model)
    expect(failures).toEqual([])
    const used = Array.from({ length: guesses }, (_, count) => `${String(count)} used`)
    expect(reached).toEqual([...used, 'last attempt', 'no-guesses'])
    // The figures of docs/protocol.md, "Realm".
    expect([states, steps]).toEqual(figures)
  })

  it.each([
    [
      'that forgets a guess when it is asked for the version',
      ({ record, request }: Parameters<typeof decide>[0]) =>
        request.kind === 'recover1' && record.state === 'registered' && record.guessCount > 0
          ? { ...record, guessCount: record.guessCount - 1 }
          : record,
    ],
    [
      'that lets a repeat be free for ever',
      ({ record }: Parameters<typeof decide>[0]) =>
        record.state === 'registered'
          ? { ...record, charged: record.charged.map((input) => ({ ...input, repeats: 0 })) }
          : record,
    ],
    [
      'whose last attempt has no end',
      ({ record, now }: Parameters<typeof decide>[0]) =>
        record.state === 'registered' && record.lastAttemptUntil !== undefined
          ? { ...record, lastAttemptUntil: now + 1 }
          : record,
    ],
  ])('and a realm %s is found out', (_, break_) => {
    const broken: typeof decide = (input) => decide({ ...input, record: break_(input) })
    expect(explore({ ...COUNTING, decide: broken }).failures).not.toEqual([])
  })
})
