/**
 * Sign-in by phone code: ask for a code, then show it. The first sign-in of a number makes its account.
 *
 * A code belongs to the request that asked for it. Its id is random and goes to the asker alone, so that nobody else can
 * use up the code's tries or replace it: a number's owner shows his code whatever strangers do with the number.
 *
 * A level is an account of its own, found by number and level (docs/decisions/0023); limits count the number.
 *
 * Known and unknown numbers get the same answer by the same statements: an unknown one works on an account id that
 * has no rows. All of one step is one transaction; a wrong code's try is counted before its answer leaves.
 */
import { randomUUID } from 'node:crypto'
import { concat, lp, parseHex, randomBytes, sha256, toHex } from 'keyhaven/crypto'
import { done, refused } from '../access-log/events.ts'
import { recordEvents } from '../access-log/record.ts'
import type { EventSubject } from '../access-log/record.ts'
import type { Transaction } from '../db/database.ts'
import { isDeviceOf, noteSignIn } from '../devices/devices.ts'
import type { Device } from '../devices/devices.ts'
import { addressBlock } from '../http/origin.ts'
import type { RequestOrigin } from '../http/origin.ts'
import { Refusal, rateLimited } from '../http/refusal.ts'
import type { Services } from '../http/services.ts'
import { hashPhone, hashPlace, sealPhone } from './phone.ts'
import type { AccountPlace } from './phone.ts'
import { countRequests, sweepExpired } from './rate-limits.ts'
import type { Count, Exceeded } from './rate-limits.ts'
import { laneOf } from './lanes.ts'
import { createSession } from './sessions.ts'
import type { SessionTokens } from './sessions.ts'
import { CODE_LIFETIME_SECONDS, CODE_TRIES, generateCode, hashCode, isSameHash } from './sign-in-code.ts'

/** The account that is asked for, and who asks. */
export interface SignInRequest extends AccountPlace {
  readonly origin: RequestOrigin
}

/**
 * Makes a code for a number and sends it; answers the request's id, 32 hex digits. `ERR_RATE_LIMITED` over a limit. A device
 * of the number's account that names itself (`deviceId`, 32 hex digits) is counted apart from strangers.
 */
export async function requestCode(
  services: Services,
  request: SignInRequest & { readonly deviceId?: string | undefined },
): Promise<string> {
  const code = generateCode()
  const requestId = toHex(randomBytes(16))
  const address = addressBlock(request.origin.address)
  const number = hashPhone(request.phone, services.keys.phoneHash)
  const exceeded = await withIdentity(services, numberOf(services, request), async (transaction, phone) => {
    const context = countContext(services, phone)
    const lane = laneOf({ number, address: request.origin.address, ...context })
    const isKnown = await isDeviceOf(transaction, { ...phone, deviceId: request.deviceId })
    const over = await countRequests(
      transaction,
      [
        { name: 'codesPerAddress', whom: address },
        { name: 'codesPerAddressAndDay', whom: address },
        ...(isKnown ? countsOfDevices(phone.hash) : countsOfAnybody({ number, address, lane })),
      ],
      context,
    )
    if (over === undefined) await storeCode(services, transaction, { requestId, code, phone })
    await recordCodeRequest(transaction, phone, over)
    // Last, since it takes locks on others' rows: what holds them waits for nothing any more.
    await sweepExpired(transaction)
    return over
  })
  if (exceeded !== undefined) throw rateLimited(exceeded.retryAfterSeconds)
  await services.codeSender({ phone: request.phone, code })
  return requestId
}

function countsOfAnybody(asked: {
  readonly number: Uint8Array
  readonly address: string
  readonly lane: Uint8Array
}): readonly Count[] {
  const { number, address, lane } = asked
  const anybodys: Count = { name: 'codesPerPhoneAndDay', whom: number }
  return [
    { name: 'codesPerAddressPhoneAndDay', whom: concat(lp(address), number) },
    { name: 'codesPerPhone', whom: number },
    { name: 'codesPerPhoneLaneAndDay', whom: lane, otherwise: anybodys },
  ]
}

/** Of one level: who made another one of the number uses up none of its codes. */
function countsOfDevices(hash: Uint8Array): readonly Count[] {
  return [{ name: 'codesPerPhoneAndDayOfDevices', whom: hash }]
}

/** Takes a request's code for a new session of a device; `ERR_CODE_REJECTED` or `ERR_RATE_LIMITED` otherwise. */
export async function verifyCode(
  services: Services,
  request: SignInRequest & { readonly requestId: string; readonly code: string; readonly device: Device },
): Promise<SessionTokens> {
  const outcome = await withIdentity(services, numberOf(services, request), async (transaction, phone) => {
    const over = await countRequests(
      transaction,
      [{ name: 'triesPerAddress', whom: addressBlock(request.origin.address) }],
      countContext(services, phone),
    )
    const tried =
      over === undefined
        ? await tryCode(services, transaction, { ...request, hash: phone.hash, time: phone.subject.time })
        : 'no-request'
    if (tried === 'right') {
      const full = phone.known
        ? undefined
        : await countAccount(services, transaction, { ...request, account: phone })
      if (full !== undefined && request.level !== undefined) return { over: full }
      return { tokens: await startSession(services, transaction, { ...request, account: phone }) }
    }
    // Who names no request of the number's has not tried a code of it, and fills no log.
    if (tried === 'wrong') {
      await recordEvents(transaction, phone.subject, refused('signed_in', 'ERR_CODE_REJECTED'))
    }
    return { over }
  })
  if (outcome.tokens !== undefined) return outcome.tokens
  throw outcome.over === undefined
    ? new Refusal('ERR_CODE_REJECTED')
    : rateLimited(outcome.over.retryAfterSeconds)
}

/** A number, or an outside issuer's subject, inside its transaction. An unknown one has the id that its account would get. */
export interface IdentityInTransaction {
  /** Finds the account: of a number alone, of one of its levels, of a subject. */
  readonly hash: Uint8Array
  readonly known: boolean
  readonly accountId: string
  readonly subject: EventSubject
}

function numberOf(
  services: Services,
  { phone, level, origin }: SignInRequest,
): { readonly hash: Uint8Array; readonly origin: RequestOrigin } {
  return { hash: hashPlace({ phone, level }, services.keys.phoneHash), origin }
}

/** One transaction of sign-in about the account that a hash (32 bytes) finds. */
export async function withIdentity<Result>(
  services: Services,
  request: { readonly hash: Uint8Array; readonly origin: RequestOrigin },
  run: (transaction: Transaction, account: IdentityInTransaction) => Promise<Result>,
): Promise<Result> {
  const { hash } = request
  const inTransaction = async (transaction: Transaction): Promise<Result> => {
    await transaction.query(`SET LOCAL app.phone_hash = '${toHex(hash)}'`)
    const { rows } = await transaction.query<{ user_id: string }>(
      'SELECT user_id FROM auth.phones WHERE phone_hash = $1',
      [hash],
    )
    const accountId = rows[0]?.user_id ?? randomUUID()
    await transaction.query(`SET LOCAL app.user_id = '${accountId}'`)
    const subject = {
      accountId,
      device: null,
      origin: request.origin,
      time: services.now(),
      chainKey: services.keys.accessLog,
      notify: services.notify,
    }
    return run(transaction, { hash, known: rows.length > 0, accountId, subject })
  }
  return services.signInTraffic.takeTurn(addressBlock(request.origin.address), () =>
    services.database.withAuth(inTransaction),
  )
}

async function storeCode(
  services: Services,
  transaction: Transaction,
  input: { readonly requestId: string; readonly code: string; readonly phone: IdentityInTransaction },
): Promise<void> {
  const { requestHash, codeHash } = hashesOf(services, { ...input, hash: input.phone.hash })
  const expiresAt = new Date(input.phone.subject.time.getTime() + CODE_LIFETIME_SECONDS * 1000)
  await transaction.query(
    `INSERT INTO auth.sign_in_codes (phone_hash, request_hash, code_hash, tries, expires_at)
     VALUES ($1, $2, $3, 0, $4)`,
    [input.phone.hash, requestHash, codeHash, expiresAt],
  )
}

/** Counts a try, atomically, and spends the code when it is right. A request that is used up or unknown has none. */
export async function tryCode(
  services: Services,
  transaction: Transaction,
  input: {
    readonly requestId: string
    readonly code: string
    /** Of the number that the transaction is about. */
    readonly hash: Uint8Array
    readonly time: Date
  },
): Promise<'right' | 'wrong' | 'no-request'> {
  const { hash, time } = input
  const { requestHash, codeHash } = hashesOf(services, input)
  const { rows } = await transaction.query<{ code_hash: Uint8Array }>(
    `UPDATE auth.sign_in_codes SET tries = tries + 1
      WHERE phone_hash = $1 AND request_hash = $2 AND tries < $3 AND expires_at > $4 RETURNING code_hash`,
    [hash, requestHash, CODE_TRIES, time],
  )
  const stored = rows[0]?.code_hash
  if (stored === undefined) return 'no-request'
  if (!isSameHash(stored, codeHash)) return 'wrong'
  await transaction.query('DELETE FROM auth.sign_in_codes WHERE phone_hash = $1 AND request_hash = $2', [
    hash,
    requestHash,
  ])
  return 'right'
}

/** What finds a request and what checks its code. The id has 128 random bits, so a plain hash hides it. */
function hashesOf(
  services: Services,
  input: { readonly requestId: string; readonly code: string; readonly hash: Uint8Array },
): { readonly requestHash: Uint8Array; readonly codeHash: Uint8Array } {
  const requestId = parseHex(input.requestId, 'requestId', 16)
  const { signInCode: signInCodeKey } = services.keys
  return {
    requestHash: sha256(requestId),
    codeHash: hashCode({ code: input.code, requestId, phoneHash: input.hash, signInCodeKey }),
  }
}

/** A session of a device; where there is no account yet, it is made. */
export async function startSession(
  services: Services,
  transaction: Transaction,
  input: {
    /** None for whom an outside issuer names. */
    readonly phone: string | undefined
    readonly device: Device
    readonly account: IdentityInTransaction
  },
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
  input: { readonly phone: string | undefined; readonly account: IdentityInTransaction },
): Promise<void> {
  const { accountId, hash, subject } = input.account
  const { phone } = input
  const { phoneSeal: phoneSealKey } = services.keys
  const sealed = phone === undefined ? null : await sealPhone({ phone, accountId, phoneSealKey })
  await transaction.query(
    'INSERT INTO app.accounts (user_id, phone_sealed, created_at) VALUES ($1, $2, $3)',
    [accountId, sealed, subject.time],
  )
  await transaction.query('INSERT INTO auth.phones (phone_hash, user_id) VALUES ($1, $2)', [hash, accountId])
  await transaction.query('INSERT INTO app.access_log_heads (user_id) VALUES ($1)', [accountId])
}

/** Every new account counts, so that no counter tells which are levels; only a level is ever refused. */
async function countAccount(
  services: Services,
  transaction: Transaction,
  { phone, account }: { readonly phone: string; readonly account: IdentityInTransaction },
): Promise<Exceeded | undefined> {
  const whom = hashPhone(phone, services.keys.phoneHash)
  const counts = [{ name: 'accountsPerPhone', whom }] as const
  return countRequests(transaction, counts, countContext(services, account))
}

/** Writes a request down; of those over a limit only the first of each window, so that a flood fills no log. */
async function recordCodeRequest(
  transaction: Transaction,
  phone: IdentityInTransaction,
  over: Exceeded | undefined,
): Promise<void> {
  if (over?.first === false) return
  const event = over === undefined ? done('code_requested') : refused('code_requested', 'ERR_RATE_LIMITED')
  await recordEvents(transaction, phone.subject, event)
}

export function countContext(
  services: Services,
  phone: IdentityInTransaction,
): { readonly limits: Services['limits']; readonly rateLimitKey: Uint8Array; readonly now: Date } {
  return { limits: services.limits, rateLimitKey: services.keys.rateLimit, now: phone.subject.time }
}
