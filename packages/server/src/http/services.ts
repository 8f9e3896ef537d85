/**
 * What the routes work with, and the shape of a request's context. Passed in whole by `createApp`; nothing is global.
 */
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { AccessClaims } from '../auth/access-token.ts'
import type { CodeSender } from '../auth/code-sender.ts'
import type { VerifyOutsideToken } from '../auth/issuers/verify.ts'
import type { AuthKeys } from '../auth/keys.ts'
import type { SignInLimits } from '../auth/rate-limits.ts'
import type { Quota } from '../backups/segments.ts'
import type { Database } from '../db/database.ts'
import type { RequestOrigin } from './origin.ts'
import type { Traffic } from './traffic.ts'

/** The server's parts, as its routes need them. */
export interface Services {
  readonly database: Database
  readonly keys: AuthKeys
  readonly codeSender: CodeSender
  /** Where there are outside issuers. */
  readonly verifyOutsideToken: VerifyOutsideToken | undefined
  /** The server's public origin: the issuer of access tokens. */
  readonly origin: string
  readonly now: () => Date
  readonly limits: SignInLimits
  /** By account. */
  readonly traffic: Traffic
  /** By address. */
  readonly signInTraffic: Traffic
  /** By session. */
  readonly refreshTraffic: Traffic
  readonly quota: Quota
  /** How long a deletion waits that the backup's authority key did not sign. */
  readonly coolingMs: number
  /** True where the operator has a webhook that is told of some events. */
  readonly notify: boolean
}

/** What is known of a request before its handler runs. */
export interface ApiEnv {
  Bindings: HttpBindings
  Variables: { origin: RequestOrigin; claims: AccessClaims }
}

export type ApiContext = Context<ApiEnv>
