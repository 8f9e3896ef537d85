/**
 * A way's seed as shares, of which a threshold gives it back and fewer say nothing (Shamir over GF(256), by the package
 * `shamir-secret-sharing`). Which shares are true is told by the way's id alone, so a false one is found, not believed.
 */
import { equal, loadXWing, toHex, wipe } from '../../crypto/index.ts'
import { loadModule } from '../../load-module.ts'
import type { ContactShare } from './contact-share.ts'
import { deriveWayId } from './slot.ts'

export const MOST_CONTACTS = 10
export const LEAST_THRESHOLD = 2

/** Splits a seed (32 bytes) into `count` points of 33 bytes; `threshold` of them give it back. */
export async function splitSeed(
  seed: Uint8Array,
  { count, threshold }: { readonly count: number; readonly threshold: number },
): Promise<readonly Uint8Array[]> {
  const { split } = await loadModule(import('shamir-secret-sharing'))
  return split(seed, count, threshold)
}

export interface CombinedSeed {
  /** 32 bytes, the caller's. */
  readonly seed: Uint8Array
  readonly wayId: string
  readonly threshold: number
  /** Places whose share is not one of this seed. */
  readonly wrong: readonly number[]
}

/**
 * The seed that some of the shares give, told by the way's id that they name; `undefined` while no subset does. At most 1,013
 * subsets are tried. Who is wrong is told by the subset that most shares agree with.
 */
export async function combineSeed(shares: readonly ContactShare[]): Promise<CombinedSeed | undefined> {
  const given = distinctPlaces(shares)
  for (const wayId of new Set(given.map((share) => share.wayId))) {
    const alike = given.filter((share) => share.wayId === wayId)
    for (const threshold of thresholdsOf(alike)) {
      const seed = await findSeed(alike, { threshold, wayId })
      if (seed === undefined) continue
      return { seed, wayId, threshold, wrong: await findWrong(given, { alike, threshold, seed }) }
    }
  }
  return undefined
}

async function findSeed(
  shares: readonly ContactShare[],
  { threshold, wayId }: { readonly threshold: number; readonly wayId: string },
): Promise<Uint8Array | undefined> {
  for (const subset of subsetsOf(shares, threshold)) {
    const seed = await combine(subset)
    if (seed !== undefined && (await isSeedOf(seed, wayId))) return seed
  }
  return undefined
}

/** Errors of several liars may cancel out in a subset, which then gives the seed, too, and agrees with few others. */
async function findWrong(
  given: readonly ContactShare[],
  known: { readonly alike: readonly ContactShare[]; readonly threshold: number; readonly seed: Uint8Array },
): Promise<readonly number[]> {
  let fewest = given
  for (const subset of subsetsOf(known.alike, known.threshold)) {
    if (!(await gives(subset, known.seed))) continue
    const wrong: ContactShare[] = []
    for (const share of given) {
      if (!(await fits(share, { subset, seed: known.seed }))) wrong.push(share)
    }
    if (wrong.length < fewest.length) fewest = wrong
  }
  return fewest.map(({ place }) => place)
}

/** A share is a true one when it can take the place of another in a subset that gave the seed. */
async function fits(
  share: ContactShare,
  known: { readonly seed: Uint8Array; readonly subset: readonly ContactShare[] },
): Promise<boolean> {
  return known.subset.includes(share) || gives([share, ...known.subset.slice(1)], known.seed)
}

async function gives(shares: readonly ContactShare[], seed: Uint8Array): Promise<boolean> {
  const combined = await combine(shares)
  if (combined === undefined) return false
  const same = equal(combined, seed)
  wipe(combined)
  return same
}

async function isSeedOf(seed: Uint8Array, wayId: string): Promise<boolean> {
  const { deriveXWingPublicKey } = await loadXWing()
  if (toHex(deriveWayId(deriveXWingPublicKey(seed))) === wayId) return true
  wipe(seed)
  return false
}

/** The package refuses two points at one place, which is no fault of ours. */
async function combine(shares: readonly ContactShare[]): Promise<Uint8Array | undefined> {
  const { combine: interpolate } = await loadModule(import('shamir-secret-sharing'))
  const points = shares.map(({ point }) => point)
  const places = new Set(points.map((point) => point.at(-1)))
  if (places.size < points.length || places.has(0)) return undefined
  return interpolate(points)
}

function distinctPlaces(shares: readonly ContactShare[]): readonly ContactShare[] {
  const byPlace = new Map(shares.map((share) => [share.place, share]))
  return [...byPlace.values()].slice(0, MOST_CONTACTS)
}

function thresholdsOf(shares: readonly ContactShare[]): readonly number[] {
  const named = new Set(shares.map(({ threshold }) => threshold))
  return [...named].filter((threshold) => threshold >= LEAST_THRESHOLD && threshold <= shares.length)
}

/** Every subset of so many. */
function* subsetsOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  if (size === 0) yield []
  for (const [index, item] of items.entries()) {
    if (items.length - index < size || size === 0) return
    for (const rest of subsetsOf(items.slice(index + 1), size - 1)) yield [item, ...rest]
  }
}
