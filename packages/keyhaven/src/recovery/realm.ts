/**
 * A realm as a pure function, for servers: `decide` says what a request does to a record, `complete` makes the answer.
 *
 * The two are apart so that a server commits the new record, with the guess counted in it, before it unseals the
 * share that the answer is made of. Nothing here reads a clock, stores or sends.
 */
export { complete } from './realm-complete.ts'
export { DEFAULT_GUESS_CAP, FREE_REPEATS, FREE_REPEAT_MS, LAST_ATTEMPT_MS, decide } from './realm-decide.ts'
export { PROOF_LEEWAY_SECONDS, parseProof, signProof, verifyProof, writeProof } from './authority-proof.ts'
export type { AuthorityProof, ProofSubject } from './authority-proof.ts'
export { DEFAULT_COOLING_MS, guardOf } from './realm-guard.ts'
export { DEFAULT_EVALUATIONS_PER_DAY } from './realm-limits.ts'
export type {
  ChargedInput,
  Decision,
  DecideInput,
  DecideResult,
  Guard,
  NoGuessesRecord,
  RealmEvent,
  RealmRecord,
  RealmTerms,
  RegisteredRecord,
  Spent,
} from './realm-record.ts'
export { encodeRequest, parseRequest } from './request-codec.ts'
export { encodeResponse, parseResponse } from './response-codec.ts'
export { generateScalar, verifyEvaluation } from './oprf.ts'
export { groupNoble } from './group-noble.ts'
export { POINT_LENGTH, SCALAR_LENGTH, isPoint, isScalar } from './group.ts'
export type { Group, Product } from './group.ts'
export { LENGTHS, REQUEST_LIMIT } from './messages.ts'
export type { RealmRequest, RealmResponse, Registration } from './messages.ts'
