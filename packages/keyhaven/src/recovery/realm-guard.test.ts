import { describe, expect, it } from 'vitest'
import { sha256 } from '../crypto/hkdf.ts'
import type { RealmRequest, Registration } from './messages.ts'
import { DEFAULT_COOLING_MS, DEFAULT_EVALUATIONS_PER_DAY, LAST_ATTEMPT_MS, decide } from './realm.ts'
import type {
  DecideResult,
  Guard,
  NoGuessesRecord,
  RealmRecord,
  RealmTerms,
  RegisteredRecord,
} from './realm.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const NOW = 19_700 * DAY_MS + 12 * 3_600_000
const VERSION = new Uint8Array(16).fill(1)
const NEW_VERSION = new Uint8Array(16).fill(2)
const TAG = new Uint8Array(16).fill(3)
const OWNER = new Uint8Array(32).fill(4)
const THIEF = new Uint8Array(32).fill(5)

const input = (number: number): Uint8Array => new Uint8Array(32).fill(number)
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
  register2: { kind: 'register2', version: NEW_VERSION, registration, unlockKeyTag: TAG, numGuesses: 10 },
  delete: { kind: 'delete' },
  recover1: { kind: 'recover1' },
  'recover2 new': { kind: 'recover2', version: VERSION, blindedInput: input(99) },
  'recover2 repeated': { kind: 'recover2', version: VERSION, blindedInput: input(0) },
  'recover3 right': { kind: 'recover3', version: VERSION, unlockKeyTag: TAG },
  'recover3 wrong': { kind: 'recover3', version: VERSION, unlockKeyTag: input(0).slice(16) },
} as const satisfies Readonly<Record<string, RealmRequest>>

/** What a request has beside its token. */
const PROOFS = {
  token: {},
  proof: { isProven: ({ authority, version }) => authority === OWNER && version === VERSION },
  'bad proof': { isProven: () => false },
} as const satisfies Readonly<Record<string, RealmTerms>>

function guard(coolingUntil?: number): Guard {
  return { authority: OWNER, coolingUntil }
}

function registered(change: Partial<RegisteredRecord> = {}): RegisteredRecord {
  const guessCount = change.guessCount ?? 0
  return {
    state: 'registered',
    version: VERSION,
    numGuesses: 10,
    guessCount,
    unlockKeyTagHash: sha256(TAG),
    charged: Array.from({ length: guessCount }, (_, number) => ({
      hash: sha256(input(number)),
      chargedAt: NOW,
      repeats: 0,
    })),
    lastAttemptUntil: undefined,
    spent: { day: 0, evaluations: 0 },
    guard: guard(),
    ...change,
  }
}

function noGuesses(coolingUntil?: number): NoGuessesRecord {
  return { state: 'no-guesses', guarded: { version: VERSION, guard: guard(coolingUntil) } }
}

const RECORDS = {
  guarded: registered(),
  cooling: registered({ guard: guard(NOW + 1) }),
  cooled: registered({ guard: guard(NOW) }),
  'last attempt': registered({ guessCount: 10, lastAttemptUntil: NOW + 1, guard: guard(NOW + 1) }),
  'last attempt over': registered({ guessCount: 10, lastAttemptUntil: NOW, guard: guard(NOW + 1) }),
  'no guesses': noGuesses(),
  'no guesses, cooling': noGuesses(NOW + 1),
  'no guesses, cooled': noGuesses(NOW),
} as const satisfies Readonly<Record<string, RealmRecord>>

function coolingOf(record: RealmRecord): string {
  const found =
    record.state === 'registered'
      ? record.guard
      : record.state === 'no-guesses'
        ? record.guarded?.guard
        : undefined
  if (found === undefined) return 'no guard'
  if (found.coolingUntil === undefined) return 'guarded'
  return found.coolingUntil > NOW ? 'cooling' : 'cooled'
}

/** The decision, the state and guard after it, and what is told of it. */
function summary({ record, decision, event }: DecideResult): string {
  const answer = decision.kind === 'refuse' ? `refuse ${decision.reason}` : decision.kind
  return `${answer} -> ${record.state}, ${coolingOf(record)}${event === undefined ? '' : `, ${event.type}`}`
}

const STORED = 'store -> registered, no guard, registered'
const DELETED = 'respond -> not-registered, no guard, deleted'
const KEPT_OWNER = 'store -> registered, guarded, registered'

/** Register1, Register2 and Delete in every guarded state, with a token alone, a good proof, and one that is none. */
const TABLE = {
  guarded: {
    token: [
      'respond -> registered, guarded',
      'refuse cooling -> registered, cooling, cooling_started',
      'refuse cooling -> registered, cooling, cooling_started',
    ],
    proof: ['respond -> registered, guarded', KEPT_OWNER, DELETED],
    'bad proof': [
      'respond -> registered, guarded',
      'refuse proof -> registered, guarded, replacing_refused',
      'refuse proof -> registered, guarded, replacing_refused',
    ],
  },
  cooling: {
    token: [
      'respond -> registered, cooling',
      'refuse cooling -> registered, cooling, replacing_refused',
      'refuse cooling -> registered, cooling, replacing_refused',
    ],
    proof: ['respond -> registered, guarded, cooling_cancelled', KEPT_OWNER, DELETED],
    'bad proof': [
      'refuse proof -> registered, cooling, replacing_refused',
      'refuse proof -> registered, cooling, replacing_refused',
      'refuse proof -> registered, cooling, replacing_refused',
    ],
  },
  cooled: {
    token: ['respond -> registered, cooled', STORED, DELETED],
    proof: ['respond -> registered, guarded, cooling_cancelled', KEPT_OWNER, DELETED],
    'bad proof': [
      'refuse proof -> registered, cooled, replacing_refused',
      'refuse proof -> registered, cooled, replacing_refused',
      'refuse proof -> registered, cooled, replacing_refused',
    ],
  },
  'last attempt': {
    token: [
      'respond -> registered, cooling',
      'refuse cooling -> registered, cooling, replacing_refused',
      'refuse cooling -> registered, cooling, replacing_refused',
    ],
    proof: ['respond -> registered, guarded, cooling_cancelled', KEPT_OWNER, DELETED],
    'bad proof': [
      'refuse proof -> registered, cooling, replacing_refused',
      'refuse proof -> registered, cooling, replacing_refused',
      'refuse proof -> registered, cooling, replacing_refused',
    ],
  },
  'last attempt over': destroyed('cooling', false),
  'no guesses': destroyed('guarded', false),
  'no guesses, cooling': destroyed('cooling', false),
  'no guesses, cooled': destroyed('cooled', true),
} as const satisfies Readonly<
  Record<keyof typeof RECORDS, Readonly<Record<keyof typeof PROOFS, readonly string[]>>>
>

/** The lost share takes no guard away: nobody gets past it by using the guesses up. */
function destroyed(cooling: string, over: boolean): Readonly<Record<keyof typeof PROOFS, readonly string[]>> {
  const begun = cooling === 'guarded' ? 'cooling_started' : 'replacing_refused'
  const refused = `refuse cooling -> no-guesses, cooling, ${begun}`
  const rejected = `refuse proof -> no-guesses, ${cooling}, replacing_refused`
  const ended = cooling === 'guarded' ? '' : ', cooling_cancelled'
  return {
    token: [`respond -> no-guesses, ${cooling}`, over ? STORED : refused, over ? DELETED : refused],
    proof: [`respond -> no-guesses, guarded${ended}`, KEPT_OWNER, DELETED],
    'bad proof': [cooling === 'guarded' ? 'respond -> no-guesses, guarded' : rejected, rejected, rejected],
  }
}

function decideAt(
  record: RealmRecord,
  request: keyof typeof REQUESTS,
  terms: RealmTerms,
  now: number = NOW,
): DecideResult {
  return decide({ record, request: REQUESTS[request], now, terms })
}

describe('a guarded record', () => {
  for (const [state, row] of Object.entries(TABLE)) {
    for (const [proof, cells] of Object.entries(row)) {
      it(`${state}, with ${proof}: ${cells.join(' | ')}`, () => {
        const found = (['register1', 'register2', 'delete'] as const).map((request) =>
          summary(
            decideAt(RECORDS[state as keyof typeof RECORDS], request, PROOFS[proof as keyof typeof PROOFS]),
          ),
        )
        expect(found).toEqual(cells)
      })
    }
  }

  it('is recovered, and refuses to be, just as one without a guard', () => {
    for (const record of Object.values(RECORDS)) {
      const plain: RealmRecord =
        record.state === 'registered' ? { ...record, guard: undefined } : { ...record, guarded: undefined }
      for (const request of [
        'recover1',
        'recover2 new',
        'recover2 repeated',
        'recover3 right',
        'recover3 wrong',
      ] as const) {
        const [guarded, unguarded] = [decideAt(record, request, {}), decideAt(plain, request, {})]
        expect(guarded.decision).toEqual(unguarded.decision)
        expect(guarded.event).toEqual(unguarded.event)
        expect(guarded.record.state).toBe(unguarded.record.state)
      }
    }
  })

  it('is not cooled down for anybody by asking again, and is when its time has come', () => {
    const { record } = decideAt(RECORDS.guarded, 'delete', {})
    const again = decideAt(record, 'register2', {}, NOW + DAY_MS)
    expect(again.decision).toMatchObject({ reason: 'cooling', milliseconds: DEFAULT_COOLING_MS - DAY_MS })
    expect(again.record).toBe(record)
    expect(summary(decideAt(record, 'delete', {}, NOW + DEFAULT_COOLING_MS - 1))).toContain('refuse cooling')
    expect(summary(decideAt(record, 'delete', {}, NOW + DEFAULT_COOLING_MS))).toBe(DELETED)
  })

  it('whose period was ended by a recovery begins it anew, and a wrong PIN ends nothing', () => {
    const wrong = decideAt(RECORDS.cooling, 'recover3 wrong', {})
    expect(coolingOf(wrong.record)).toBe('cooling')
    const right = decideAt(RECORDS.cooling, 'recover3 right', {})
    expect(summary(right)).toBe('release -> registered, guarded, share_recovered')
    expect(summary(decideAt(right.record, 'delete', {}))).toContain('cooling_started')
  })

  it('is bound to the key that the registration names, and never unbound by its owner’s own renewal', () => {
    const first = decideAt({ state: 'not-registered' }, 'register2', { authority: OWNER })
    expect(first.record).toMatchObject({ guard: { authority: OWNER, coolingUntil: undefined } })
    const renewed = decideAt(RECORDS.guarded, 'register2', PROOFS.proof)
    expect(renewed.record).toMatchObject({ guard: { authority: OWNER } })
    const rebound = decideAt(RECORDS.guarded, 'register2', { ...PROOFS.proof, authority: THIEF })
    expect(rebound.record).toMatchObject({ guard: { authority: THIEF } })
    const stolen = decideAt(RECORDS.guarded, 'register2', { authority: THIEF })
    expect(stolen.record).toMatchObject({ version: VERSION, guard: { authority: OWNER } })
  })

  it('that its owner has deleted is as free as if it never was', () => {
    const { record } = decideAt(RECORDS.cooling, 'delete', PROOFS.proof)
    expect(record).toEqual({ state: 'not-registered' })
    expect(decideAt(record, 'register2', { authority: THIEF }).record).toMatchObject({
      guard: { authority: THIEF },
    })
  })
})

describe('our own users', () => {
  const waits: RealmTerms = { waits: true }
  const WAITS = [0, 0, 0, 1, 5, 15, 60, 240, 720, 1440]

  it.each(WAITS.map((minutes, wrong) => ({ wrong, minutes })))(
    'wait $minutes minutes after $wrong wrong PINs',
    ({ wrong, minutes }) => {
      const record = registered({ guessCount: wrong })
      const after = NOW + minutes * MINUTE_MS
      for (const request of ['recover1', 'recover2 new'] as const) {
        if (minutes > 0) {
          const early = decideAt(record, request, waits, after - 1)
          expect(early.decision).toEqual({ kind: 'refuse', reason: 'waiting', milliseconds: 1 })
          expect(early.record).toBe(record)
        }
        expect(decideAt(record, request, waits, after).decision.kind).not.toBe('refuse')
      }
    },
  )

  it('do not wait to have an answer repeated, to finish a right guess, or once they are locked', () => {
    const record = registered({ guessCount: 9 })
    expect(decideAt(record, 'recover2 repeated', waits).decision.kind).toBe('evaluate')
    expect(summary(decideAt(record, 'recover3 right', waits))).toContain('share_recovered')
    const last = registered({ guessCount: 10, lastAttemptUntil: NOW + LAST_ATTEMPT_MS })
    expect(decideAt(last, 'recover1', waits).decision).toMatchObject({ response: { status: 'no-guesses' } })
  })

  it('whose device signs by the authority key do not wait; another key does not help, nor does any on a plain record', () => {
    const record = registered({ guessCount: 5 })
    expect(decideAt(record, 'recover2 new', { ...waits, ...PROOFS.proof }).decision.kind).toBe('evaluate')
    for (const [at, proof] of [
      [record, PROOFS['bad proof']],
      [registered({ guessCount: 5, guard: undefined }), PROOFS.proof],
    ] as const) {
      expect(decideAt(at, 'recover2 new', { ...waits, ...proof }).decision).toMatchObject({
        reason: 'waiting',
      })
    }
  })

  it('of others’ apps have the plain protocol', () => {
    expect(decideAt(registered({ guessCount: 9 }), 'recover2 new', {}).decision.kind).toBe('evaluate')
  })
})

describe('a day', () => {
  const spent = (evaluations: number, day: number = Math.floor(NOW / DAY_MS)): RegisteredRecord =>
    registered({ spent: { day, evaluations } })

  it('has so many evaluations for anybody, known devices included, and the next day as many again', () => {
    const record = spent(DEFAULT_EVALUATIONS_PER_DAY)
    for (const terms of [{}, PROOFS.proof, { waits: true }] as const) {
      for (const request of ['recover1', 'recover2 new'] as const) {
        const { decision, record: after, event } = decideAt(record, request, terms)
        expect(decision).toEqual({ kind: 'refuse', reason: 'day-spent', milliseconds: DAY_MS / 2 })
        expect(after).toBe(record)
        expect(event).toEqual({ type: 'recovery_refused', reason: 'day-spent' })
      }
    }
    const tomorrow = decideAt(record, 'recover2 new', {}, NOW + DAY_MS / 2)
    expect(tomorrow.record).toMatchObject({ spent: { evaluations: 1 } })
  })

  it('is not made longer by right PINs or by registering anew', () => {
    const evaluated = decideAt(spent(7), 'recover2 new', {}).record
    const recovered = decideAt(evaluated, 'recover3 right', {}).record
    const renewed = decideAt(recovered, 'register2', PROOFS.proof).record
    expect(renewed).toMatchObject({ guessCount: 0, spent: { evaluations: 8 } })
  })

  it('can be made shorter by the server', () => {
    expect(decideAt(spent(2), 'recover2 new', { evaluationsPerDay: 2 }).decision.kind).toBe('refuse')
    expect(decideAt(spent(2), 'recover2 new', { evaluationsPerDay: 3 }).decision.kind).toBe('evaluate')
  })
})
