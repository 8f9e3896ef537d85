/**
 * Whom a person relies on: which realms hold the shares, who runs them, and how many of them it takes to break the promise
 * that guesses are counted.
 */
import { toHex } from '../crypto/text.ts'
import type { Configuration, RealmOperator } from './configuration.ts'

export interface ReliedRealm {
  /** 32 hex digits. */
  readonly id: string
  readonly address: string
  /** As the configuration says; `undefined` when it says nothing. */
  readonly operator: RealmOperator | undefined
}

export interface Reliance {
  /** Sorted by id. */
  readonly realms: readonly ReliedRealm[]
  /** So many realms together can try every PIN without being counted; fewer learn nothing. */
  readonly realmsToCollude: number
  /** The fewest operators who together run so many. Realms of nobody in particular count as one operator's. */
  readonly operatorsToCollude: number
  /** When so many realms have lost their shares, the PIN opens nothing any more. */
  readonly realmsToLose: number
}

/** Says whom a configuration relies on. */
export function describeReliance(configuration: Configuration): Reliance {
  const { recoverThreshold } = configuration
  const realms = configuration.realms.map(({ id, address, operator }) => ({
    id: toHex(id),
    address,
    operator,
  }))
  return {
    realms,
    realmsToCollude: recoverThreshold,
    operatorsToCollude: countOperators(realms, recoverThreshold),
    realmsToLose: realms.length - recoverThreshold + 1,
  }
}

/** The fewest operators with so many realms: those with most realms first. */
function countOperators(realms: readonly ReliedRealm[], wanted: number): number {
  const counts = new Map<string | undefined, number>()
  for (const { operator } of realms) counts.set(operator?.name, (counts.get(operator?.name) ?? 0) + 1)
  let [operators, gathered] = [0, 0]
  for (const count of [...counts.values()].sort((left, right) => right - left)) {
    if (gathered >= wanted) break
    operators += 1
    gathered += count
  }
  return operators
}
