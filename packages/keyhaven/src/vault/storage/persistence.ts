/**
 * Whether the browser may throw this origin's storage away when the disk is full.
 */

/** `persistent`: only the person can delete it. `best-effort`: the browser may evict it. `unknown`: it does not say. */
export type Persistence = 'persistent' | 'best-effort' | 'unknown'

/** Asks the browser to keep this origin's storage, which may ask the person, and answers what holds now. */
export async function askForPersistence(): Promise<Persistence> {
  try {
    return (await navigator.storage.persist()) ? 'persistent' : 'best-effort'
  } catch {
    return readPersistence()
  }
}

/** What holds now, without asking anybody. Show it: a vault that may be evicted needs a backup. */
export async function readPersistence(): Promise<Persistence> {
  try {
    return (await navigator.storage.persisted()) ? 'persistent' : 'best-effort'
  } catch {
    return 'unknown'
  }
}
