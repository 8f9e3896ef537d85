/**
 * What the batches of some folders say, kept in memory while their vault is unlocked: an operation reads only those
 * that it has not seen. Locking the vault ends it.
 *
 * Batches that went away without this process having replaced them may have taken something with them: then all are
 * read again.
 */
import { KeyhavenError } from '../../errors.ts'
import type { Vault } from '../../vault/index.ts'
import type { Writes } from './batches.ts'
import { inTurn, namesBelow } from './records.ts'

/** How often batches are listed again because another process replaced some of them meanwhile. */
const MOST_READ_AGAIN = 50

/** What batches say; `apply` takes one in, in any order and any number of times. */
export interface BatchReading<T> {
  /** Each ends in `/`. */
  readonly prefixes: readonly string[]
  readonly create: () => T
  readonly apply: (content: T, batch: Uint8Array) => void
  /** Called when the vault is locked. */
  readonly end: (content: T) => void
}

export interface BatchCache<T> {
  /** All that the vault's batches say now. `ERR_VAULT_BUSY` when they never hold still. */
  readonly read: (vault: Vault) => Promise<T>
  /** Takes in what has just been written. */
  readonly note: (vault: Vault, writes: Writes) => void
}

interface Cached<T> {
  content: T
  readonly batches: Set<string>
}

/** A cache for all vaults of this process. */
export function createBatchCache<T>(reading: BatchReading<T>): BatchCache<T> {
  const cached = new WeakMap<Vault, Cached<T>>()
  const watched = new WeakSet<Vault>()
  const watch = (vault: Vault): void => {
    if (watched.has(vault)) return
    watched.add(vault)
    vault.onStateChange((state) => {
      const known = cached.get(vault)
      if (state === 'unlocked' || known === undefined) return
      cached.delete(vault)
      reading.end(known.content)
    })
  }
  return {
    read: (vault) => {
      watch(vault)
      return inTurn(vault, 'batches', () => readOn(reading, cached, vault))
    },
    note: (vault, writes) => {
      const known = cached.get(vault)
      if (known !== undefined) note(reading, known, writes)
    },
  }
}

async function readOn<T>(
  reading: BatchReading<T>,
  cached: WeakMap<Vault, Cached<T>>,
  vault: Vault,
): Promise<T> {
  for (let attempt = 0; attempt < MOST_READ_AGAIN; attempt += 1) {
    const names = await namesBelow(vault, ...reading.prefixes)
    const known = cached.get(vault)
    const there = new Set(names)
    const use = known !== undefined && [...known.batches].every((name) => there.has(name)) ? known : undefined
    const cache = use ?? { content: reading.create(), batches: new Set<string>() }
    const fresh = names.filter((name) => !cache.batches.has(name))
    cached.delete(vault)
    try {
      if (!(await applyRecords(reading, cache, { vault, names: fresh }))) continue
      if (vault.state() === 'locked') throw new KeyhavenError('ERR_VAULT_LOCKED', undefined)
    } catch (fault) {
      reading.end(cache.content)
      throw fault
    }
    cached.set(vault, cache)
    return cache.content
  }
  throw new KeyhavenError('ERR_VAULT_BUSY', undefined)
}

/** False when one of the records has gone. */
async function applyRecords<T>(
  reading: BatchReading<T>,
  cache: Cached<T>,
  source: { readonly vault: Vault; readonly names: readonly string[] },
): Promise<boolean> {
  for (const name of source.names) {
    const record = await source.vault.get(name)
    if (record === undefined) return false
    reading.apply(cache.content, record.bytes)
    cache.batches.add(name)
  }
  return true
}

function note<T>(reading: BatchReading<T>, cache: Cached<T>, writes: Writes): void {
  const own = [...writes].filter(([name]) => reading.prefixes.some((prefix) => name.startsWith(prefix)))
  for (const [name, record] of own) if (record === null) cache.batches.delete(name)
  // Nothing of what was known stays: it begins anew with what was written.
  if (own.some(([, record]) => record === null) && cache.batches.size === 0) cache.content = reading.create()
  for (const [name, record] of own) {
    if (record === null) continue
    reading.apply(cache.content, record.bytes)
    cache.batches.add(name)
  }
}
