/**
 * What the API answers when it does not do what was asked: one code, one status, one fixed message each
 * (docs/protocol.md, "Errors").
 *
 * A refusal is the server's rule at work, not a fault of the server; {@link Refusal} carries nothing that came in
 * with the request but what `details` names.
 */

interface Entry {
  readonly status: 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 422 | 429 | 500 | 503 | 507
  readonly message: string
}

/** Every code that the API answers; protocol.md says when. */
export type RefusalCode =
  | 'ERR_BODY_MALFORMED'
  | 'ERR_SIGNED_OUT'
  | 'ERR_DEVICE_REMOVED'
  | 'ERR_CODE_REJECTED'
  | 'ERR_PROOF_REJECTED'
  | 'ERR_CLOCK_WRONG'
  | 'ERR_COOLING_PERIOD'
  | 'ERR_NOT_FOUND'
  | 'ERR_METHOD_NOT_ALLOWED'
  | 'ERR_BODY_TIMEOUT'
  | 'ERR_POINTER_CONFLICT'
  | 'ERR_GENERATION_RETIRED'
  | 'ERR_PARENT_MISSING'
  | 'ERR_SEQUENCE_TAKEN'
  | 'ERR_TOO_MANY_HEADS'
  | 'ERR_PENDING_ELSEWHERE'
  | 'ERR_REGISTRATION_REMAINS'
  | 'ERR_PHONE_TAKEN'
  | 'ERR_LINK_TAKEN'
  | 'ERR_BODY_TOO_LARGE'
  | 'ERR_CONTENT_TYPE'
  | 'ERR_PHONE_INVALID'
  | 'ERR_RATE_LIMITED'
  | 'ERR_INTERNAL'
  | 'ERR_OVERLOADED'
  | 'ERR_DATABASE_UNAVAILABLE'
  | 'ERR_SEAL_KEY_MISSING'
  | 'ERR_DATABASE_RESTORED'
  | 'ERR_JOURNAL_UNAVAILABLE'
  | 'ERR_TENANT_MOVED'
  | 'ERR_STOPPING'
  | 'ERR_SENDER_UNAVAILABLE'
  | 'ERR_ISSUER_UNAVAILABLE'
  | 'ERR_QUOTA_EXCEEDED'

const REFUSALS: Readonly<Record<RefusalCode, Entry>> = {
  ERR_BODY_MALFORMED: { status: 400, message: 'The body or a parameter has the wrong shape.' },
  ERR_SIGNED_OUT: { status: 401, message: 'The access token is missing, not valid, or its session ended.' },
  ERR_DEVICE_REMOVED: { status: 401, message: 'This device was removed from the account.' },
  ERR_CODE_REJECTED: { status: 401, message: 'The sign-in code was not accepted.' },
  ERR_PROOF_REJECTED: { status: 403, message: 'The authority signature is missing or wrong.' },
  ERR_CLOCK_WRONG: {
    status: 403,
    message: 'The signature is of another time: the clocks of client and server are minutes apart.',
  },
  ERR_COOLING_PERIOD: {
    status: 403,
    message: 'Without the authority key this has to wait; its owner can end the wait.',
  },
  ERR_NOT_FOUND: { status: 404, message: 'There is no such thing here.' },
  ERR_METHOD_NOT_ALLOWED: { status: 405, message: 'This address does not know this method.' },
  ERR_BODY_TIMEOUT: { status: 408, message: 'The body did not arrive in time.' },
  ERR_POINTER_CONFLICT: { status: 409, message: 'The backup is not in the expected state.' },
  ERR_GENERATION_RETIRED: { status: 409, message: 'The generation is not the one in use.' },
  ERR_PARENT_MISSING: { status: 409, message: 'A parent of the segment is not stored.' },
  ERR_SEQUENCE_TAKEN: { status: 409, message: 'This device stored another segment under this sequence.' },
  ERR_TOO_MANY_HEADS: { status: 409, message: 'The log has too many ends; follow one of them.' },
  ERR_PENDING_ELSEWHERE: { status: 409, message: 'Another device is changing the backup.' },
  ERR_REGISTRATION_REMAINS: {
    status: 409,
    message: 'A registration of the account may still lie on its realms.',
  },
  ERR_LINK_TAKEN: {
    status: 409,
    message: 'This place of the mailbox is taken, or another device has its turn.',
  },
  ERR_PHONE_TAKEN: { status: 409, message: 'Another account has this phone number.' },
  ERR_BODY_TOO_LARGE: { status: 413, message: 'The body is over its limit.' },
  ERR_CONTENT_TYPE: { status: 415, message: 'The content type is not the expected one.' },
  ERR_PHONE_INVALID: { status: 422, message: 'The phone number is not valid.' },
  ERR_RATE_LIMITED: { status: 429, message: 'Too many requests; wait and try again.' },
  ERR_INTERNAL: { status: 500, message: 'The server failed.' },
  ERR_OVERLOADED: { status: 503, message: 'The server has more to do than it can; wait and try again.' },
  ERR_DATABASE_UNAVAILABLE: { status: 503, message: 'The database is not available; try again.' },
  ERR_SEAL_KEY_MISSING: {
    status: 503,
    message: 'This server lacks a key that another one has begun to use; try again.',
  },
  ERR_DATABASE_RESTORED: {
    status: 503,
    message: 'An older copy of the realm’s database was brought back; its operator has to decide.',
  },
  ERR_STOPPING: { status: 503, message: 'This server is about to stop.' },
  ERR_TENANT_MOVED: { status: 503, message: 'This app’s registrations moved to another operator.' },
  ERR_JOURNAL_UNAVAILABLE: { status: 503, message: 'The realm’s journal is not available; try again.' },
  ERR_SENDER_UNAVAILABLE: { status: 503, message: 'The code could not be sent; try again.' },
  ERR_ISSUER_UNAVAILABLE: {
    status: 503,
    message: 'The keys of the token’s issuer cannot be had; try again.',
  },
  ERR_QUOTA_EXCEEDED: { status: 507, message: 'The quota of the account is used up.' },
}

/** All of {@link RefusalCode}. */
export const REFUSAL_CODES: readonly string[] = Object.keys(REFUSALS)

/** What may go with a refusal: nothing secret, nothing of another user. */
export interface RefusalExtras {
  readonly details?: Readonly<Record<string, string | number>>
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer other than the one that was asked for. Thrown inside a transaction it rolls it back. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly status: Entry['status']
  readonly extras: RefusalExtras

  constructor(code: RefusalCode, extras: RefusalExtras = {}) {
    super(REFUSALS[code].message)
    this.code = code
    this.status = REFUSALS[code].status
    this.extras = extras
  }
}

/** A 429 that says how long to wait, in whole seconds and at least one. */
export function rateLimited(retryAfterSeconds: number): Refusal {
  const seconds = Math.max(1, Math.ceil(retryAfterSeconds))
  return new Refusal('ERR_RATE_LIMITED', { headers: { 'Retry-After': String(seconds) } })
}

/** A 503 for what was not begun. */
export function overloaded(): Refusal {
  return new Refusal('ERR_OVERLOADED', { headers: { 'Retry-After': '1' } })
}

/** The answer of a refusal, as protocol.md writes it. */
export function refusalResponse(refusal: Refusal): Response {
  const { details, headers } = refusal.extras
  const error = {
    code: refusal.code,
    message: refusal.message,
    ...(details === undefined ? {} : { details }),
  }
  return Response.json({ error }, { status: refusal.status, headers: { ...headers } })
}
