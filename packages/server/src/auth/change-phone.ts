/**
 * Changing an account's phone number: from a signed-in device, with a code that was sent to the new number and, once the
 * account has an authority key, its signature. Who only took over the old number cannot move the account to another.
 */
import { concat, lp, parseHex, toHex, utf8 } from 'keyhaven/crypto'
import { done, refused } from '../access-log/events.ts'
import { recordEvents } from '../access-log/record.ts'
import { requireProof } from '../backups/authority-proof.ts'
import { lockState } from '../backups/state.ts'
import type { Transaction } from '../db/database.ts'
import { addressBlock } from '../http/origin.ts'
import type { RequestOrigin } from '../http/origin.ts'
import { Refusal, rateLimited } from '../http/refusal.ts'
import type { Services } from '../http/services.ts'
import { parseUuid } from '../http/uuid.ts'
import { hashPlace, parsePhone, sealPhone } from './phone.ts'
import { countRequests } from './rate-limits.ts'
import { tryCode } from './sign-in.ts'
import type { Actor } from './signed-in.ts'

export interface PhoneChange {
  /** As it was sent and signed. */
  readonly phone: string
  /** The level that the account is at the new number: 64 hex digits. */
  readonly level?: string | undefined
  readonly requestId: string
  readonly code: string
  /** 128 hex digits. */
  readonly proof: string | undefined
}

/** The bytes that the authority key signs (protocol.md, "Phone number"); good until the pointer moves. */
export function encodePhoneChangeMessage(change: {
  readonly accountId: string
  readonly phone: string
  readonly level?: string | undefined
  readonly etag: string
}): Uint8Array {
  return concat(
    lp('keyhaven/phone-change/v1'),
    lp(parseUuid(change.accountId)),
    lp(utf8(change.phone)),
    lp(utf8(change.etag)),
    ...(change.level === undefined ? [] : [lp(parseHex(change.level, 'level', 32))]),
  )
}

/** Refuses a change that the account's authority has not signed: `ERR_PROOF_REJECTED`. Without a backup there is none. */
export async function requirePhoneProof(
  transaction: Transaction,
  actor: Actor,
  change: Pick<PhoneChange, 'phone' | 'level' | 'proof'>,
): Promise<void> {
  const { pointer } = await lockState(transaction, actor.accountId, actor.time)
  const { accountId } = actor
  const { phone, level, proof } = change
  const message = encodePhoneChangeMessage({ accountId, phone, level, etag: pointer?.etag ?? '' })
  requireProof(pointer, message, proof)
}

/**
 * Moves the account to the number, and answers it in E.164. `ERR_CODE_REJECTED` for a wrong code, which is counted like any;
 * `ERR_PHONE_TAKEN` when another account has the number.
 */
export async function changePhone(
  services: Services,
  actor: Actor,
  input: { readonly change: PhoneChange; readonly origin: RequestOrigin },
): Promise<string> {
  const { change, origin } = input
  const phone = parsePhone(change.phone)
  const hash = hashPlace({ phone, level: change.level }, services.keys.phoneHash)
  const outcome = await orTaken(
    services.database.withAuth(
      (transaction) => tryChange(services, transaction, { actor, change, phone, hash, origin }),
      { userId: actor.accountId },
    ),
  )
  if (outcome === undefined) return phone
  throw typeof outcome === 'string' ? new Refusal(outcome) : rateLimited(outcome.retryAfterSeconds)
}

/** Of two accounts that are moved to one number at once, the second meets the unique key and is rolled back. */
async function orTaken<T>(changed: Promise<T>): Promise<T | 'ERR_PHONE_TAKEN'> {
  try {
    return await changed
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION) return 'ERR_PHONE_TAKEN'
    throw error
  }
}

/** SQLSTATE, PostgreSQL's appendix A. */
const UNIQUE_VIOLATION = '23505'

/** What refused the change; nothing when it is done. */
async function tryChange(
  services: Services,
  transaction: Transaction,
  input: {
    readonly actor: Actor
    readonly change: PhoneChange
    readonly phone: string
    readonly hash: Uint8Array
    readonly origin: RequestOrigin
  },
): Promise<'ERR_CODE_REJECTED' | 'ERR_PHONE_TAKEN' | { readonly retryAfterSeconds: number } | undefined> {
  const { actor, change, phone, hash, origin } = input
  const { accountId, device, time, chainKey } = actor
  await transaction.query(`SET LOCAL app.phone_hash = '${toHex(hash)}'`)
  const { limits } = services
  const over = await countRequests(
    transaction,
    [{ name: 'triesPerAddress', whom: addressBlock(origin.address) }],
    { limits, rateLimitKey: services.keys.rateLimit, now: time },
  )
  if (over !== undefined) return over
  const tried = await tryCode(services, transaction, { ...change, hash, time })
  if (tried === 'no-request') return 'ERR_CODE_REJECTED'
  const refusal = tried === 'wrong' ? 'ERR_CODE_REJECTED' : await findTaken(transaction, hash, accountId)
  if (refusal === undefined) await moveAccount(services, transaction, { accountId, phone, hash })
  const event = refusal === undefined ? done('phone_changed') : refused('phone_changed', refusal)
  const subject = { accountId, device, origin, time, chainKey, notify: services.notify }
  await recordEvents(transaction, subject, event)
  return refusal
}

async function findTaken(
  transaction: Transaction,
  hash: Uint8Array,
  accountId: string,
): Promise<'ERR_PHONE_TAKEN' | undefined> {
  const { rows } = await transaction.query<{ user_id: string }>(
    'SELECT user_id FROM auth.phones WHERE phone_hash = $1',
    [hash],
  )
  const owner = rows[0]?.user_id
  return owner === undefined || owner === accountId ? undefined : 'ERR_PHONE_TAKEN'
}

async function moveAccount(
  services: Services,
  transaction: Transaction,
  to: { readonly accountId: string; readonly phone: string; readonly hash: Uint8Array },
): Promise<void> {
  const { accountId, phone, hash } = to
  const sealed = await sealPhone({ phone, accountId, phoneSealKey: services.keys.phoneSeal })
  await transaction.query('UPDATE app.accounts SET phone_sealed = $2 WHERE user_id = $1', [accountId, sealed])
  await transaction.query('UPDATE auth.phones SET phone_hash = $2 WHERE user_id = $1', [accountId, hash])
}
