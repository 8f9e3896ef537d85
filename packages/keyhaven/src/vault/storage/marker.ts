/**
 * A note, kept apart from IndexedDB, that a vault was made here: so that a vault which the browser has evicted is told
 * from one that never was. It lies in localStorage, which browsers usually clear by other rules; when both are cleared
 * together, as by "clear site data", the vault is just missing. Workers have no localStorage: there the page keeps it.
 */

export interface Marker {
  has(vault: string): Promise<boolean>
  /** Notes the vault; true if it was not noted before. */
  add(vault: string): Promise<boolean>
  remove(vault: string): Promise<void>
}

/** Marks under this prefix; without localStorage nothing is marked. */
export function createMarker(prefix: string): Marker {
  const keyOf = (vault: string): string => `${prefix}/${encodeURIComponent(vault)}/was-here`
  return {
    has: (vault) => Promise.resolve(storage()?.getItem(keyOf(vault)) === '1'),
    add: (vault) => {
      const fresh = storage()?.getItem(keyOf(vault)) !== '1'
      if (fresh) tryToMark(keyOf(vault))
      return Promise.resolve(fresh)
    },
    remove: (vault) => {
      storage()?.removeItem(keyOf(vault))
      return Promise.resolve()
    },
  }
}

/** The vault is stored by now, and must not fail for want of the note. */
function tryToMark(key: string): void {
  try {
    storage()?.setItem(key, '1')
  } catch {
    return
  }
}

/** Reading the property itself throws where the person forbids storage. */
function storage(): Storage | undefined {
  try {
    return globalThis.localStorage
  } catch {
    return undefined
  }
}
