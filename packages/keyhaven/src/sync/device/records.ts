/**
 * Vault records that come in batches: a name is a prefix and something random, so that two processes that add
 * batches at the same time never overwrite one another.
 */
import { KeyhavenError } from '../../errors.ts'
import type { Vault } from '../../vault/index.ts'

/** The names of all records below some prefixes, sorted. */
export async function namesBelow(vault: Vault, ...prefixes: readonly string[]): Promise<readonly string[]> {
  const names = (await vault.list()).map(({ name }) => name)
  return names.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)))
}

/** How often records are listed again because another writer replaced some of them meanwhile. */
const MOST_READ_AGAIN = 50

/** All records below the prefixes, by name, as they were at one moment. `ERR_VAULT_BUSY` when they never hold still. */
export async function readBelow(
  vault: Vault,
  ...prefixes: readonly string[]
): Promise<ReadonlyMap<string, Uint8Array>> {
  for (let attempt = 0; attempt < MOST_READ_AGAIN; attempt += 1) {
    const records = await readNamed(vault, await namesBelow(vault, ...prefixes))
    if (records !== undefined) return records
  }
  throw new KeyhavenError('ERR_VAULT_BUSY', undefined)
}

/** The named records; `undefined` when one of them has gone. */
export async function readNamed(
  vault: Vault,
  names: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
  const records = new Map<string, Uint8Array>()
  for (const name of names) {
    const record = await vault.get(name)
    if (record === undefined) return undefined
    records.set(name, record.bytes)
  }
  return records
}

/** What may not run twice at a time in one process: reading batches, writing keys, a whole operation of key sync. */
export type Queue = 'batches' | 'keys' | 'sync'

const queues: Readonly<Record<Queue, WeakMap<Vault, Promise<unknown>>>> = {
  batches: new WeakMap(),
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
