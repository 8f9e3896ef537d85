/**
 * The model of keys: for each key the highest version at which it was set, and at which it was removed. It is there
 * when the first is the higher one, and two such tables merge by taking the higher of each. Written without a look at
 * the table that key sync has, which it is compared with.
 *
 * What a failed operation did is not known, so that a device and the backup have two tables each: what they hold at
 * least, and what they hold at most.
 */
import type { ListedKey } from 'keyhaven/sync'

interface Mark {
  readonly set: number
  readonly removed: number
}

/** By {@link nameOf}. */
export type Keys = ReadonlyMap<string, Mark>

/** What is held at least and at most. */
export interface Bounds {
  readonly least: Keys
  readonly most: Keys
}

export const NOTHING: Bounds = { least: new Map(), most: new Map() }

/** One name for kind, name and key. */
export function nameOf(key: Pick<ListedKey, 'kind' | 'name' | 'keyId'>): string {
  return `${key.kind} ${key.name} ${key.keyId}`
}

/** The higher mark of each. */
export function merged(left: Keys, right: Keys): Keys {
  const both = new Map(left)
  for (const [name, mark] of right) both.set(name, higher(both.get(name) ?? ABSENT, mark))
  return both
}

/** Bounds after something that is known to have happened to these keys. */
export function after(bounds: Bounds, happened: Keys): Bounds {
  return { least: merged(bounds.least, happened), most: merged(bounds.most, happened) }
}

/**
 * What the bounds say wrongly about keys that were seen: those that are missing although they must be there, and those
 * that are there although they must not.
 */
export function contradictions(bounds: Bounds, seen: readonly ListedKey[]): readonly string[] {
  const present = new Set(seen.map(nameOf))
  const all = new Set([...present, ...bounds.most.keys()])
  return [...all].flatMap((name) => {
    const least = bounds.least.get(name) ?? ABSENT
    const most = bounds.most.get(name) ?? ABSENT
    if (present.has(name)) return most.set <= least.removed ? [`${name} is there`] : []
    return least.set > most.removed ? [`${name} is missing`] : []
  })
}

/** Bounds narrowed by what was seen: a key that is there was set, one that has gone was removed. */
export function narrowed(bounds: Bounds, seen: readonly ListedKey[]): Bounds {
  const present = new Map(seen.map((key) => [nameOf(key), { set: key.version, removed: 0 }]))
  const gone = [...bounds.least]
    .filter(([name]) => !present.has(name))
    .map(([name, { set }]) => [name, { set: 0, removed: set }] as const)
  return { ...bounds, least: merged(merged(bounds.least, present), new Map(gone)) }
}

const ABSENT: Mark = { set: 0, removed: 0 }

function higher(left: Mark, right: Mark): Mark {
  return { set: Math.max(left.set, right.set), removed: Math.max(left.removed, right.removed) }
}
