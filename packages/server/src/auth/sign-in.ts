/**
 * Sign-in by phone code: ask for a code, then show it. The first sign-in of a number makes its account.
 *
 * Known and unknown numbers get the same answer by the same statements: an unknown one works on an account id that
 * has no rows. All of one step is one transaction; a wrong code's try is counted before its answer leaves.
 */
import { randomUUID } from 'node:crypto'
import { concat, lp, toHex } from 'keyhaven/crypto'
import { done, refused } from '../access-log/events.ts'
import { recordEvents } from '../access-log/record.ts'
import type { EventSubject } from '../access-log/record.ts'
import type { Transaction } from '../db/database.ts'
import { noteSignIn } from '../devices/devices.ts'
import type { Device } from '../devices/devices.ts'
import { addressBlock } from '../http/origin.ts'
import type { RequestOrigin } from '../http/origin.ts'
import { Refusal, rateLimited } from '../http/refusal.ts'
import type { RefusalCode } from '../http/refusal.ts'
import type { Services } from '../http/services.ts'
import { hashPhone, sealPhone } from './phone.ts'
import { countRequests, sweepExpired } from './rate-limits.ts'
import type { Exceeded } from './rate-limits.ts'
import { createSession } from './sessions.ts'
import type { SessionTokens } from './sessions.ts'
import { CODE_LIFETIME_SECONDS, CODE_TRIES, generateCode, hashCode, isSameHash } from './sign-in-code.ts'

/** A number in E.164, and who asks. */
export interface SignInRequest {
  readonly phone: string
  readonly origin: RequestOrigin
}

/** Makes a code for a number, which replaces an earlier one, and sends it; `ERR_RATE_LIMITED` over a limit. */
export async function requestCode(services: Services, request: SignInRequest): Promise<void> {
  const code = generateCode()
  const address = addressBlock(request.origin.address)
  const exceeded = await withPhone(services, request, async (transaction, phone) => {
    const over = await countRequests(
      transaction,
      [
        { name: 'codesPerAddress', whom: address },
        { name: 'codesPerAddressAndDay', whom: address },
        { name: 'codesPerAddressPhoneAndDay', whom: concat(lp(address), phone.hash) },
        { name: 'codesPerPhone', whom: phone.hash },
        { name: 'codesPerPhoneAndDay', whom: phone.hash },
      ],
      countContext(services, phone),
    )
    if (over === undefined) await storeCode(services, transaction, { code, phone })
    await recordStep(transaction, phone, { type: 'code_requested', over, refusal: undefined })
    // Last, since it takes locks on others' rows: what holds them waits for nothing any more.
    await sweepExpired(transaction)
    return over
  })
  if (exceeded !== undefined) throw rateLimited(exceeded.retryAfterSeconds)
  await services.codeSender({ phone: request.phone, code })
}

/** Takes a code for a new session of a device; `ERR_CODE_REJECTED` or `ERR_RATE_LIMITED` otherwise. */
export async function verifyCode(
  services: Services,
  request: SignInRequest & { readonly code: string; readonly device: Device },
): Promise<SessionTokens> {
  const outcome = await withPhone(services, request, async (transaction, phone) => {
    const over = await countRequests(
      transaction,
      [
        { name: 'triesPerAddress', whom: addressBlock(request.origin.address) },
        { name: 'triesPerPhone', whom: phone.hash },
      ],
      countContext(services, phone),
    )
    const right = over === undefined && (await tryCode(services, transaction, { code: request.code, phone }))
    if (!right) {
      const refusal = over === undefined ? 'ERR_CODE_REJECTED' : undefined
      await recordStep(transaction, phone, { type: 'signed_in', over, refusal })
      return { over }
    }
    return { tokens: await startSession(services, transaction, { ...request, account: phone }) }
  })
  if (outcome.tokens !== undefined) return outcome.tokens
  throw outcome.over === undefined
    ? new Refusal('ERR_CODE_REJECTED')
    : rateLimited(outcome.over.retryAfterSeconds)
}

/** A number inside its transaction. An unknown number has the id that its account would get. */
interface PhoneInTransaction {
  readonly hash: Uint8Array
  readonly known: boolean
  readonly accountId: string
  readonly subject: EventSubject
}

async function withPhone<Result>(
  services: Services,
  request: SignInRequest,
  run: (transaction: Transaction, phone: PhoneInTransaction) => Promise<Result>,
): Promise<Result> {
  const hash = hashPhone(request.phone, services.keys.phoneHash)
  const inTransaction = async (transaction: Transaction): Promise<Result> => {
    await transaction.query(`SET LOCAL app.phone_hash = '${toHex(hash)}'`)
    const { rows } = await transaction.query<{ user_id: string }>(
      'SELECT user_id FROM auth.phones WHERE phone_hash = $1',
      [hash],
    )
    const accountId = rows[0]?.user_id ?? randomUUID()
    await transaction.query(`SET LOCAL app.user_id = '${accountId}'`)
    const subject = { accountId, device: null, origin: request.origin, time: services.now() }
    return run(transaction, { hash, known: rows.length > 0, accountId, subject })
  }
  return services.signInTraffic.takeTurn(addressBlock(request.origin.address), () =>
    services.database.withAuth(inTransaction),
  )
}

async function storeCode(
  services: Services,
  transaction: Transaction,
  input: { readonly code: string; readonly phone: PhoneInTransaction },
): Promise<void> {
  const codeHash = hashCode({
    code: input.code,
    phoneHash: input.phone.hash,
    signInCodeKey: services.keys.signInCode,
  })
  const expiresAt = new Date(input.phone.subject.time.getTime() + CODE_LIFETIME_SECONDS * 1000)
  await transaction.query(
    `INSERT INTO auth.sign_in_codes (phone_hash, code_hash, tries, expires_at) VALUES ($1, $2, 0, $3)
     ON CONFLICT (phone_hash) DO UPDATE SET code_hash = excluded.code_hash, tries = 0, expires_at = excluded.expires_at`,
    [input.phone.hash, codeHash, expiresAt],
  )
}

/** Counts a try, atomically, and spends the code when it is right. */
async function tryCode(
  services: Services,
  transaction: Transaction,
  input: { readonly code: string; readonly phone: PhoneInTransaction },
): Promise<boolean> {
  const { hash, subject } = input.phone
  const shown = hashCode({ code: input.code, phoneHash: hash, signInCodeKey: services.keys.signInCode })
  const { rows } = await transaction.query<{ code_hash: Uint8Array }>(
    `UPDATE auth.sign_in_codes SET tries = tries + 1
      WHERE phone_hash = $1 AND tries < $2 AND expires_at > $3 RETURNING code_hash`,
    [hash, CODE_TRIES, subject.time],
  )
  const stored = rows[0]?.code_hash
  if (stored === undefined || !isSameHash(stored, shown)) return false
  await transaction.query('DELETE FROM auth.sign_in_codes WHERE phone_hash = $1', [hash])
  return true
}

async function startSession(
  services: Services,
  transaction: Transaction,
  input: { readonly phone: string; readonly device: Device; readonly account: PhoneInTransaction },
): Promise<SessionTokens> {
  const { account, device } = input
  if (!account.known) await createAccount(services, transaction, { phone: input.phone, account })
  const use = { accountId: account.accountId, device, time: account.subject.time }
  const added = await noteSignIn(transaction, use)
  const tokens = await createSession(services, transaction, use)
  const subject = { ...account.subject, device }
  const events = added ? [done('signed_in'), done('device_added')] : [done('signed_in')]
  await recordEvents(transaction, subject, ...events)
  return tokens
}

async function createAccount(
  services: Services,
  transaction: Transaction,
  input: { readonly phone: string; readonly account: PhoneInTransaction },
): Promise<void> {
  const { accountId, hash, subject } = input.account
  const sealed = await sealPhone({ phone: input.phone, accountId, phoneSealKey: services.keys.phoneSeal })
  await transaction.query(
    'INSERT INTO app.accounts (user_id, phone_sealed, created_at) VALUES ($1, $2, $3)',
    [accountId, sealed, subject.time],
  )
  await transaction.query('INSERT INTO auth.phones (phone_hash, user_id) VALUES ($1, $2)', [hash, accountId])
}

/** Writes a step down; of requests over a limit only the first of each window, so that a flood fills no log. */
async function recordStep(
  transaction: Transaction,
  phone: PhoneInTransaction,
  step: {
    readonly type: 'code_requested' | 'signed_in'
    readonly over: Exceeded | undefined
    readonly refusal: RefusalCode | undefined
  },
): Promise<void> {
  if (step.over !== undefined && !step.over.first) return
  const code = step.over === undefined ? step.refusal : 'ERR_RATE_LIMITED'
  await recordEvents(
    transaction,
    phone.subject,
    code === undefined ? done(step.type) : refused(step.type, code),
  )
}

function countContext(
  services: Services,
  phone: PhoneInTransaction,
): { readonly limits: Services['limits']; readonly rateLimitKey: Uint8Array; readonly now: Date } {
  return { limits: services.limits, rateLimitKey: services.keys.rateLimit, now: phone.subject.time }
}
