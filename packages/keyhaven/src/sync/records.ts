/**
 * Vault records that come in batches: a name is a prefix and something random, so that two processes that add
 * batches at the same time never overwrite one another.
 */
import type { Vault } from '../vault/index.ts'

/** The names of all records below a prefix, sorted. */
export async function namesBelow(vault: Vault, prefix: string): Promise<readonly string[]> {
  return (await vault.list()).map(({ name }) => name).filter((name) => name.startsWith(prefix))
}

/** What may not run twice at a time in one process: writing keys, and a whole operation of key sync. */
export type Queue = 'keys' | 'sync'

const queues: Readonly<Record<Queue, WeakMap<Vault, Promise<unknown>>>> = {
  keys: new WeakMap(),
  sync: new WeakMap(),
}

/** Runs `work` after everything that was put into this queue of this vault before. */
export function inTurn<T>(vault: Vault, queue: Queue, work: () => Promise<T>): Promise<T> {
  const before = queues[queue].get(vault) ?? Promise.resolve()
  const turn = before.then(work, work)
  queues[queue].set(
    vault,
    turn.catch(() => undefined),
  )
  return turn
}
