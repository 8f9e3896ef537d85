/**
 * Refusals that only the realm knows: their statuses are the Juicebox Protocol's, or no other route has them.
 */
const REALM_REFUSALS = {
  ERR_TOKEN_REJECTED: { status: 401, message: 'The realm token is missing or not valid here and now.' },
  ERR_CLIENT_TOO_OLD: {
    status: 426,
    message: 'The header X-Juicebox-Version is missing or names a version below 0.2.',
  },
} as const

export type RealmRefusalCode = keyof typeof REALM_REFUSALS

/** All of {@link RealmRefusalCode}. */
export const REALM_REFUSAL_CODES: readonly string[] = Object.keys(REALM_REFUSALS)

/** A refusal with one of these codes. */
export class RealmRefusal extends Error {
  override readonly name = 'RealmRefusal'
  readonly code: RealmRefusalCode

  constructor(code: RealmRefusalCode) {
    super(REALM_REFUSALS[code].message)
    this.code = code
  }

  /** The answer, as protocol.md writes it. */
  response(): Response {
    const { code, message } = this
    return Response.json({ error: { code, message } }, { status: REALM_REFUSALS[code].status })
  }
}
