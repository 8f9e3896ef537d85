/**
 * A random secret behind a short PIN, held by realms that count guesses: the Juicebox Protocol, both sides, without I/O.
 *
 * The caller injects the transport and, if it likes, Argon2id. The servers' half is in `keyhaven/recovery/realm`.
 */
export {
  DEFAULT_REALM_DEADLINE_MS,
  checkConfiguration,
  parseConfiguration,
  serializeConfiguration,
} from './configuration.ts'
export type { Configuration, Realm, RealmOperator, SerializedConfiguration } from './configuration.ts'
export { groupNoble } from './group-noble.ts'
export type { Group, Product } from './group.ts'
export type { Authority, SignedHeaders } from './line-authority.ts'
export type { OperationOptions, PinOptions, RecoveryStep } from './operation.ts'
export type { PinHashingMode } from './pin.ts'
export type { RealmAnswer, RealmTransport } from './realm-call.ts'
export { recover } from './recover.ts'
export type { RecoverOutcome } from './recover.ts'
export { describeReliance } from './reliance.ts'
export type { Reliance, ReliedRealm } from './reliance.ts'
export { register } from './register.ts'
export type { RegisterOptions, RegisterResult } from './register.ts'
export { SECRET_LIMIT } from './registration.ts'
export { keep, remove } from './remove.ts'
export type { RemoveResult } from './remove.ts'
export { parseSignedConfiguration, signConfiguration } from './signed-configuration.ts'
export type { SignedConfiguration, VerifiedConfiguration } from './signed-configuration.ts'
