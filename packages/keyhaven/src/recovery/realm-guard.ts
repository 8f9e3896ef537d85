/**
 * Who may replace or delete a record: whoever has a token, or, once an authority key is bound to it, that key at once and
 * a token alone after the cooling period. The period is ended early by the key or by a recovery, never by a token.
 */
import type { Guard, RealmRecord, RealmTerms } from './realm-record.ts'

/** How long a token alone waits, unless the server says otherwise. */
export const DEFAULT_COOLING_MS: number = 7 * 86_400_000

/** The guard of a record, and the version that a proof for it names. */
export interface Guarded {
  readonly guard: Guard
  readonly version: Uint8Array
}

/** What a request to replace or delete may do. */
export type Admission =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'proof' }
  /** `until` is when the period ends; `begins` when it has just begun. */
  | { readonly kind: 'cooling'; readonly until: number; readonly begins: boolean }

/** The guard of a record, if it has one. */
export function guardOf(record: RealmRecord): Guarded | undefined {
  if (record.state === 'no-guesses') return record.guarded
  if (record.state === 'not-registered' || record.guard === undefined) return undefined
  return { guard: record.guard, version: record.version }
}

/** The same record under a guard whose cooling period is another. */
export function withCooling<R extends RealmRecord>(record: R, coolingUntil: number | undefined): R {
  const guarded = guardOf(record)
  if (guarded === undefined) return record
  const guard = { ...guarded.guard, coolingUntil }
  return record.state === 'no-guesses' ? { ...record, guarded: { ...guarded, guard } } : { ...record, guard }
}

/** True when the request is signed by the record's authority key. */
export function isProven({ guard, version }: Guarded, terms: RealmTerms): boolean {
  return terms.isProven?.({ authority: guard.authority, version }) === true
}

/** Whether a Register2 or Delete may be carried out now. A proof that is not good is refused, and begins nothing. */
export function admit(record: RealmRecord, now: number, terms: RealmTerms): Admission {
  const guarded = guardOf(record)
  if (guarded === undefined || isProven(guarded, terms)) return { kind: 'allowed' }
  if (terms.isProven !== undefined) return { kind: 'proof' }
  const { coolingUntil } = guarded.guard
  const until = coolingUntil ?? now + (terms.coolingMs ?? DEFAULT_COOLING_MS)
  return now >= until ? { kind: 'allowed' } : { kind: 'cooling', until, begins: coolingUntil === undefined }
}

/**
 * The guard of a new registration: the key that it names; without one, the key that let it in stays bound, so that no
 * registration loses its guard by being renewed. After a cooling period the old key has no say any more.
 */
export function nextGuard(record: RealmRecord, terms: RealmTerms): Guard | undefined {
  if (terms.authority !== undefined) return { authority: terms.authority, coolingUntil: undefined }
  const guarded = guardOf(record)
  if (guarded === undefined || !isProven(guarded, terms)) return undefined
  return { ...guarded.guard, coolingUntil: undefined }
}
