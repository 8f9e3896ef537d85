/**
 * Kills a device in the middle: after so many steps nothing it does has any effect, and the answer of the last step is
 * lost. A step is a request that the server has processed or a write that the vault has finished; since a device learns
 * nothing between two steps, killing after each of them covers every state that a kill can leave.
 */
import type { Fetch } from 'keyhaven/sync'
import type { Vault } from 'keyhaven/vault'

export interface Cut {
  readonly fetch: Fetch
  readonly vault: Vault
  /** True once the device has been killed. */
  readonly killed: () => boolean
}

/** A device over `vault` that is killed after `steps` steps. */
export function cutAfter(vault: Vault, steps: number): Cut {
  let taken = 0
  const step = async <T>(run: () => Promise<T>): Promise<T> => {
    if (taken >= steps) throw new TypeError('killed')
    const result = await run()
    taken += 1
    if (taken >= steps) throw new TypeError('killed')
    return result
  }
  return {
    fetch: (input, init) => step(() => fetch(input, init)),
    vault: {
      ...vault,
      put: (record, value) => step(() => vault.put(record, value)),
      write: (changes) => step(() => vault.write(changes)),
      delete: (record) => step(() => vault.delete(record)),
    },
    killed: () => taken >= steps,
  }
}

/** A network that loses the answer of one request, counted from 1; all others pass. */
export function loseOne(which: number): { readonly fetch: Fetch; readonly lost: () => boolean } {
  let sent = 0
  return {
    fetch: async (input, init) => {
      sent += 1
      const lost = sent === which
      const response = await fetch(input, init)
      if (lost) throw new TypeError('lost')
      return response
    },
    lost: () => sent >= which,
  }
}
