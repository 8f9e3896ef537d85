/**
 * Kills a device in the middle: after so many steps nothing it does has any effect, and the answer of the last step is
 * lost. A step is a request that the server has processed or a write that the vault has finished; since a device learns
 * nothing between two steps, killing after each of them covers every state that a kill can leave.
 */
import { expect } from 'vitest'
import { KeyhavenError } from 'keyhaven'
import type { Fetch } from 'keyhaven/sync'
import type { Vault } from 'keyhaven/vault'

export interface Cut {
  readonly fetch: Fetch
  readonly vault: Vault
  /** Another vault of the same program, whose writes are steps as well. */
  readonly over: (other: Vault) => Vault
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
  const over = (each: Vault): Vault => ({
    ...each,
    put: (record, value) => step(() => each.put(record, value)),
    write: (changes) => step(() => each.write(changes)),
    delete: (record) => step(() => each.delete(record)),
  })
  return {
    fetch: (input, init) => step(() => fetch(input, init)),
    vault: over(vault),
    over,
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

const SOAK = process.env['KEYHAVEN_SOAK'] === '1'

/**
 * Runs `once` with `from` and on, each `by`-th step, and in a soak each step from the first, until it says that nothing
 * was cut any more; returns the last step at which something was.
 */
export async function forEachCut(
  once: (at: number) => Promise<boolean>,
  { from = 1, by = 3 }: { readonly from?: number; readonly by?: number } = {},
): Promise<number> {
  const stride = SOAK ? 1 : by
  for (let at = SOAK ? 1 : from; ; at += stride) if (!(await once(at))) return at - stride
}

/** The result, or `undefined` when it failed with a coded error or the kill itself. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (fault) {
    const expected =
      fault instanceof KeyhavenError || (fault instanceof TypeError && fault.message === 'killed')
    expect(expected).toBe(true)
    return undefined
  }
}
