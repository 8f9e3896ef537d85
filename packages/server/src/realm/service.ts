/**
 * One request to the realm: decide and count under the row's lock, commit, and only then unseal and answer.
 *
 * A server that dies between commit and answer has spent a guess and given nothing away; the client's repeat of the same
 * input is free.
 */
import { KeyhavenError } from 'keyhaven'
import type { Decision, RealmEvent, RealmRequest, RealmResponse, RealmTerms } from 'keyhaven/recovery/realm'
import { complete, decide, guardOf } from 'keyhaven/recovery/realm'
import { equal } from 'keyhaven/crypto'
import type { Database } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import type { CurvePool } from './curve-pool.ts'
import type { RealmJournal } from './journal/journal.ts'
import { noteForTenant } from './audit/audit.ts'
import { DECOY, commitDecoy, isUnknownGuess } from './decoy.ts'
import type { StoredRecord } from './records.ts'
import { isRecordTaken, lockRecord, writeRecord } from './records.ts'
import { keyIdOf } from './seal.ts'
import type { RealmSeals } from './seals.ts'
import type { RealmState } from './state.ts'
import { readRealmState } from './state.ts'

export interface RealmServiceInput {
  readonly database: Pick<Database, 'withRealmRecord'>
  readonly seals: RealmSeals
  readonly curve: Pick<CurvePool, 'evaluate'>
  readonly journal: Pick<RealmJournal, 'require'>
}

/** The decision that no answer of the protocol's stands for. */
export type Refused = Extract<Decision, { readonly kind: 'refuse' }>

/** What a request led to; `event` has been committed when it is seen. */
export interface RealmResult {
  readonly event: RealmEvent | undefined
  /** Set when there is no answer: too early, or a proof that is none. */
  readonly refused: Refused | undefined
  /** The version of a guarded or registered record; tells its owner what a proof must name. */
  readonly storedVersion: Uint8Array | undefined
  /** Makes the answer; rejects with `ERR_ENVELOPE_REJECTED` under another seal key. */
  readonly answer: () => Promise<RealmResponse>
}

/** Carries a request out on one record. `ERR_DATABASE_UNAVAILABLE`: it may or may not have been counted. The journal's refusals, and `ERR_TENANT_MOVED`: it was not. */
export async function handleRealmRequest(
  input: RealmServiceInput,
  call: {
    readonly recordId: Uint8Array
    /** Whose record it is. */
    readonly tenant: string
    /** True where the tenant has an audit feed. */
    readonly audited?: boolean
    readonly request: RealmRequest
    readonly now: Date
    readonly terms: RealmTerms
  },
): Promise<RealmResult> {
  const { recordId, tenant, audited = false, request, now, terms } = call
  const { seals, journal } = input
  const carryOut = async (): Promise<Done | undefined> => {
    // A new registration is sealed before the lock is taken, so that the lock is held for two statements only.
    const fresh =
      request.kind === 'register2'
        ? await seals.seal({ recordId, version: request.version }, request.registration)
        : undefined
    return input.database.withRealmRecord(recordId, async (transaction) => {
      const [realm, before] = await Promise.all([
        readRealmState(transaction),
        lockRecord(transaction, recordId),
      ])
      if (fresh !== undefined && !isUnder(realm, fresh)) return undefined
      journal.require(realm.position)
      if (realm.departed.includes(tenant)) throw new Refusal('ERR_TENANT_MOVED')
      // What could not be opened after the commit is not counted before it.
      if (before.sealed !== undefined) await seals.require(before.sealed)
      const decided = decide({ record: before.record, request, now: now.getTime(), terms })
      const { record, decision, event } = decided
      const sealed = decision.kind === 'store' ? fresh : before.sealed
      const stored: StoredRecord = { record, sealed: record.state === 'registered' ? sealed : undefined }
      if (record !== before.record) writeRecord(transaction, call, { before, after: stored })
      else if (isUnknownGuess(decision)) commitDecoy(transaction)
      if (audited && event !== undefined) noteForTenant(transaction, call, event)
      return { stored, decision, event }
    })
  }
  const { stored, decision, event } = await untilDone(carryOut, () => seals.follow())
  const { record } = stored
  return {
    event,
    refused: decision.kind === 'refuse' ? decision : undefined,
    storedVersion: record.state === 'registered' ? record.version : guardOf(record)?.version,
    answer: () => answer(input, { recordId, stored, decision, request }),
  }
}

interface Done {
  readonly stored: StoredRecord
  readonly decision: Decision
  readonly event: RealmEvent | undefined
}

const TRIES = 5

/** Does it again where the epoch ended between sealing and storing, or another request added the record first. */
async function untilDone<Result>(
  carryOut: () => Promise<Result | undefined>,
  follow: () => Promise<void>,
): Promise<Result> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const done = await carryOut().catch((fault: unknown) => {
      if (!isRecordTaken(fault)) throw fault
    })
    if (done !== undefined) return done
    await follow()
  }
  throw new KeyhavenError('ERR_DATABASE_UNAVAILABLE', undefined)
}

function isUnder(realm: RealmState, sealed: Uint8Array): boolean {
  return realm.keyId !== undefined && equal(realm.keyId, keyIdOf(sealed))
}

async function answer(
  { seals, curve }: RealmServiceInput,
  outcome: {
    readonly recordId: Uint8Array
    readonly stored: StoredRecord
    readonly decision: Decision
    readonly request: RealmRequest
  },
): Promise<RealmResponse> {
  const { recordId, stored, decision, request } = outcome
  if (request.kind === 'recover2' && isUnknownGuess(decision)) {
    const { blindedInput } = request
    const evaluation = { kind: 'evaluate', blindedInput, numGuesses: 0, guessCount: 0 } as const
    await curve.evaluate({ decision: evaluation, registration: DECOY })
  }
  if (decision.kind !== 'evaluate' && decision.kind !== 'release') return complete({ decision })
  if (stored.record.state !== 'registered' || stored.sealed === undefined) {
    throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'length' })
  }
  const registration = await seals.open({ recordId, version: stored.record.version }, stored.sealed)
  return decision.kind === 'evaluate'
    ? curve.evaluate({ decision, registration })
    : complete({ decision, registration })
}
