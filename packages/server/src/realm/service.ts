/**
 * One request to the realm: decide and count under the row's lock, commit, and only then unseal and answer.
 *
 * A server that dies between commit and answer has spent a guess and given nothing away; the client's repeat of the same
 * input is free.
 */
import { KeyhavenError } from 'keyhaven'
import type { Decision, Group, RealmEvent, RealmRequest, RealmResponse } from 'keyhaven/recovery/realm'
import { complete, decide } from 'keyhaven/recovery/realm'
import type { Database } from '../db/database.ts'
import type { StoredRecord } from './records.ts'
import { lockRecord, writeRecord } from './records.ts'
import type { RegistrationSeal } from './seal.ts'

export interface RealmServiceInput {
  readonly database: Pick<Database, 'withRealmRecord'>
  readonly seal: RegistrationSeal
  readonly group: Promise<Group>
  /** Registrations that ask for more guesses get this many. */
  readonly guessCap: number | undefined
}

/** What a request led to; `event` has been committed when it is seen. */
export interface RealmResult {
  readonly event: RealmEvent | undefined
  /** Makes the answer; rejects with `ERR_ENVELOPE_REJECTED` under another seal key. */
  readonly answer: () => Promise<RealmResponse>
}

/** Carries a request out on one record. `ERR_DATABASE_UNAVAILABLE`: it may or may not have been counted. */
export async function handleRealmRequest(
  input: RealmServiceInput,
  call: { readonly recordId: Uint8Array; readonly request: RealmRequest; readonly now: Date },
): Promise<RealmResult> {
  const { recordId, request, now } = call
  const { seal } = input
  // A new registration is sealed before the lock is taken, so that the lock is held for two statements only.
  const resealed =
    request.kind === 'register2'
      ? await seal.seal({ recordId, version: request.version }, request.registration)
      : undefined
  const { stored, decision, event } = await input.database.withRealmRecord(recordId, async (transaction) => {
    const before = await lockRecord(transaction, recordId)
    const { record, decision, event } = decide({
      record: before.record,
      request,
      now: now.getTime(),
      ...(input.guessCap !== undefined && { guessCap: input.guessCap }),
    })
    const sealed = decision.kind === 'store' ? resealed : before.sealed
    const stored: StoredRecord = { record, sealed: record.state === 'registered' ? sealed : undefined }
    if (record !== before.record) await writeRecord(transaction, recordId, stored)
    return { stored, decision, event }
  })
  return { event, answer: () => answer(input, { recordId, stored, decision }) }
}

async function answer(
  { seal, group }: RealmServiceInput,
  outcome: { readonly recordId: Uint8Array; readonly stored: StoredRecord; readonly decision: Decision },
): Promise<RealmResponse> {
  const { recordId, stored, decision } = outcome
  if (decision.kind === 'respond' || decision.kind === 'store') return complete({ decision })
  if (stored.record.state !== 'registered' || stored.sealed === undefined) {
    throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'length' })
  }
  const registration = await seal.open({ recordId, version: stored.record.version }, stored.sealed)
  return complete({ decision, registration, group: await group })
}
