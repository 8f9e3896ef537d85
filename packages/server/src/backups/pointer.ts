/**
 * The pointer and the changes of it that have begun: announce, give up, list (key-log.md, "Changing what is registered").
 * The commit has its own file.
 */
import { parseHex, toHex } from 'keyhaven/crypto'
import { done, reportedDeletion } from '../access-log/events.ts'
import { readSignedHead } from '../access-log/read.ts'
import type { Actor } from '../auth/signed-in.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import { describeRemovals } from '../removals/describe.ts'
import { encodeAnnouncementMessage, requireProof } from './authority-proof.ts'
import { dropOldGenerations } from './old-generations.ts'
import { shortensLog } from './shorten-log.ts'
import { PENDING_LIFETIME_MS, lockState, parseRealms, retirePending } from './state.ts'
import type { BackupState, Pending } from './state.ts'

/** A device's change is safe from the account's other devices for this long. */
const OTHERS_WAIT_MS = 10 * 60 * 1000
const MOST_RETIRED = 1000

/** What a device announces before it makes a new registration. */
export interface Announcement {
  readonly expectedEtag: string | null
  readonly registration: string
  readonly generation: number
  readonly realms: readonly string[]
  /** The authority key's signature, 128 hex digits. */
  readonly proof: string | undefined
}

/** Notes a change of the pointer; answers until when it may be committed. */
export async function announceChange(
  transaction: Transaction,
  actor: Actor,
  announcement: Announcement,
): Promise<Date> {
  const { accountId, time } = actor
  const state = await lockState(transaction, accountId, time)
  const announced = findAnnounced(state.pending, announcement, actor)
  if (announced !== undefined) return announced.expiresAt
  requireExpected(state, announcement)
  const message = encodeAnnouncementMessage({ ...announcement, accountId, deviceId: actor.device.id })
  requireProof(state.pointer, message, announcement.proof)
  if (state.pointer === null) await requireLater(transaction, accountId, announcement.generation)
  if (!keepsRegistration(state, announcement)) {
    await requireFresh(transaction, { accountId, state, registration: announcement.registration })
  }
  if (state.pending !== null) {
    requireReplaceable(state, actor)
    await retirePending(transaction, { accountId, pointer: state.pointer, pending: state.pending, time })
  }
  const expiresAt = new Date(time.getTime() + PENDING_LIFETIME_MS)
  await transaction.query(
    `INSERT INTO app.pending_changes
       (user_id, registration, generation, realms, device_id, expected_etag, started_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      accountId,
      parseHex(announcement.registration, 'registration', 16),
      announcement.generation,
      parseRealms(announcement.realms),
      parseHex(actor.device.id, 'device', 16),
      announcement.expectedEtag,
      time,
      expiresAt,
    ],
  )
  await actor.record(done('registration_started'))
  return expiresAt
}

/** Gives a change up; doing it again is no fault. */
export async function abandonChange(
  transaction: Transaction,
  actor: Actor,
  registration: string,
): Promise<void> {
  const { accountId, time } = actor
  const state = await lockState(transaction, accountId, time)
  if (state.pending?.registration === registration) {
    requireReplaceable(state, actor)
    await retirePending(transaction, { accountId, pointer: state.pointer, pending: state.pending, time })
    await actor.record(done('registration_abandoned'))
    return
  }
  if (state.pointer?.registration === registration) throw new Refusal('ERR_POINTER_CONFLICT')
  const retired = await listRetired(transaction, accountId)
  if (!retired.some((entry) => entry.registration === registration)) throw new Refusal('ERR_NOT_FOUND')
}

/**
 * Takes a registration from the list of those that realms may still hold: the device says that all deleted it. Generations
 * that no listed registration belongs to any more are dropped. Doing it again is no fault: the first answer may have been lost.
 */
export async function forgetRetired(
  transaction: Transaction,
  actor: Actor,
  registration: string,
): Promise<void> {
  const { pointer, pending } = await lockState(transaction, actor.accountId, actor.time)
  if ([pointer?.registration, pending?.registration].includes(registration)) {
    throw new Refusal('ERR_POINTER_CONFLICT')
  }
  const { rowCount } = await transaction.query(
    'DELETE FROM app.retired_registrations WHERE user_id = $1 AND registration = $2',
    [actor.accountId, parseHex(registration, 'registration', 16)],
  )
  if (rowCount === 0) return
  await dropOldGenerations(transaction, actor.accountId)
  await actor.record(reportedDeletion())
}

/** The answer of `GET /v1/pointer`. */
export async function describePointer(
  transaction: Transaction,
  actor: Actor,
): Promise<Readonly<Record<string, unknown>>> {
  const { pointer, pending } = await lockState(transaction, actor.accountId, actor.time)
  return {
    pointer:
      pointer === null
        ? null
        : {
            registration: pointer.registration,
            generation: pointer.generation,
            realms: pointer.realms,
            anchor: pointer.anchor,
            serial: pointer.serial,
            statement: pointer.statement,
            registrationAuthority: pointer.registrationAuthority,
          },
    etag: pointer?.etag ?? null,
    authority: pointer?.authority ?? null,
    pending:
      pending === null
        ? null
        : {
            registration: pending.registration,
            device: pending.deviceId,
            startedAt: pending.startedAt.toISOString(),
          },
    retired: await listRetired(transaction, actor.accountId),
    accessLog: await readSignedHead(transaction, actor.accountId, actor.chainKey),
    ...(await describeRemovals(transaction, actor.accountId, actor.time)),
  }
}

/** Lets another device's change alone while it is young, unless it only shortens the log: `ERR_PENDING_ELSEWHERE`. */
function requireReplaceable({ pending, pointer }: BackupState, actor: Actor): void {
  if (pending === null || pending.deviceId === actor.device.id || shortensLog(pointer, pending)) return
  const age = actor.time.getTime() - pending.startedAt.getTime()
  if (age >= OTHERS_WAIT_MS) return
  throw new Refusal('ERR_PENDING_ELSEWHERE', {
    details: { device: pending.deviceId, startedAt: pending.startedAt.toISOString() },
  })
}

/** The change under way, if it is just this one: its answer was lost. */
function findAnnounced(
  pending: Pending | null,
  announcement: Announcement,
  actor: Actor,
): Pending | undefined {
  const same =
    pending?.deviceId === actor.device.id &&
    pending.registration === announcement.registration &&
    pending.generation === announcement.generation &&
    pending.expectedEtag === announcement.expectedEtag &&
    pending.realms.join() === announcement.realms.join()
  return same ? pending : undefined
}

function requireExpected(state: BackupState, announcement: Announcement): void {
  const { pointer } = state
  const step = announcement.generation - (pointer?.generation ?? announcement.generation)
  if ((pointer?.etag ?? null) !== announcement.expectedEtag || step < 0 || step > 1) {
    throw new Refusal('ERR_POINTER_CONFLICT')
  }
}

/** Generations of a backup that was deleted are not used again, so that a device can tell it from the next one. */
async function requireLater(transaction: Transaction, accountId: string, generation: number): Promise<void> {
  const { rowCount } = await transaction.query(
    'SELECT FROM app.removed_backups WHERE user_id = $1 AND generation >= $2',
    [accountId, generation],
  )
  if (rowCount !== 0) throw new Refusal('ERR_POINTER_CONFLICT')
}

/** True for a rotation, or for a snapshot of the generation in use: the registration stays, at the same realms. */
function keepsRegistration({ pointer }: BackupState, announcement: Announcement): boolean {
  return (
    pointer?.registration === announcement.registration &&
    [...announcement.realms].sort().join() === [...pointer.realms].sort().join()
  )
}

/** A registration id is used once. */
async function requireFresh(
  transaction: Transaction,
  input: { readonly accountId: string; readonly state: BackupState; readonly registration: string },
): Promise<void> {
  const { pointer, pending } = input.state
  const retired = await listRetired(transaction, input.accountId)
  if (retired.length >= MOST_RETIRED) throw new Refusal('ERR_QUOTA_EXCEEDED')
  const used = [pointer, pending, ...retired].map((entry) => entry?.registration)
  if (used.includes(input.registration)) throw new Refusal('ERR_POINTER_CONFLICT')
}

interface Retired {
  readonly registration: string
  readonly realms: readonly string[]
  readonly generation: number | null
  readonly previousRoot: string | null
  readonly authority: string | null
}

async function listRetired(transaction: Transaction, accountId: string): Promise<readonly Retired[]> {
  const { rows } = await transaction.query<{
    registration: Uint8Array
    realms: Uint8Array[]
    generation: number | null
    previous_root: Uint8Array | null
    authority: Uint8Array | null
  }>(
    `SELECT registration, realms, generation, previous_root, authority FROM app.retired_registrations
      WHERE user_id = $1 ORDER BY retired_at, registration`,
    [accountId],
  )
  return rows.map(({ registration, realms, generation, previous_root, authority }) => ({
    registration: toHex(registration),
    realms: realms.map(toHex),
    generation,
    previousRoot: previous_root === null ? null : toHex(previous_root),
    authority: authority === null ? null : toHex(authority),
  }))
}
