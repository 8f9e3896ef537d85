/**
 * What an operator may set of the realm's rules. Each has a default, and bounds beyond which it would be no rule.
 */
import { KeyhavenError } from 'keyhaven'
import { DEFAULT_COOLING_MS, DEFAULT_EVALUATIONS_PER_DAY, DEFAULT_GUESS_CAP } from 'keyhaven/recovery/realm'

const HOUR_MS = 3_600_000

export interface RealmLimits {
  /** Registrations that ask for more guesses get this many. */
  readonly guessCap: number
  /** New guesses of one record on one day (UTC). */
  readonly evaluationsPerDay: number
  /** How long a token alone waits before it replaces or deletes what is bound to an authority key. */
  readonly coolingMs: number
  readonly requests: RealmRequests
}

/** Requests in ten minutes that one server takes of each. */
export interface RealmRequests {
  readonly address: number
  readonly record: number
  readonly tenant: number
}

export const DEFAULT_REALM_LIMITS: RealmLimits = {
  guessCap: DEFAULT_GUESS_CAP,
  evaluationsPerDay: DEFAULT_EVALUATIONS_PER_DAY,
  coolingMs: DEFAULT_COOLING_MS,
  requests: { address: 6000, record: 600, tenant: 300_000 },
}

/** A whole number of hours, one day to a year, in milliseconds. */
export function parseCooling(text: string, setting: string): number {
  return parseWhole(text, { setting, least: 24, most: 8760 }) * HOUR_MS
}

/** A whole number of guesses, 1 to 100. */
export function parseGuesses(text: string, setting: string): number {
  return parseWhole(text, { setting, least: 1, most: 100 })
}

/** A whole number of guesses a day, 1 to 10,000. */
export function parseGuessesPerDay(text: string, setting: string): number {
  return parseWhole(text, { setting, least: 1, most: 10_000 })
}

/** A whole number of requests, 10 to 100 million. */
export function parseRequests(text: string, setting: string): number {
  return parseWhole(text, { setting, least: 10, most: 100_000_000 })
}

/** A whole number within bounds. */
export function parseWhole(
  text: string,
  { setting, least, most }: { readonly setting: string; readonly least: number; readonly most: number },
): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  const expected = `a whole number from ${String(least)} to ${String(most)}`
  throw new KeyhavenError('ERR_SETTING_INVALID', { setting, expected })
}
