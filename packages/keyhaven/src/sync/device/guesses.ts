/**
 * What the realms last said of the guesses that are left. They say it only in answer to a wrong PIN, so this is what
 * this device knows; wrong PINs that were tried elsewhere since are not in it.
 */
import type { Vault } from '../../vault/index.ts'
import { encodeCbor, parseCborMap } from '../format/cbor.ts'
import { recordDamaged } from '../format/fields.ts'

const GUESSES = 'sync/guesses'

export interface KnownGuesses {
  readonly remaining: number
  /** When the realms said so, by this device's clock; ISO 8601. */
  readonly asOf: string
}

/** The guesses that were left of this registration after the last wrong PIN; none since a right one. */
export async function readGuesses(vault: Vault, registration: string): Promise<KnownGuesses | undefined> {
  const record = await vault.get(GUESSES)
  if (record === undefined) return undefined
  const fields = parseCborMap(record.bytes, recordDamaged)
  if (fields.text('registration') !== registration) return undefined
  return {
    remaining: fields.integer('remaining'),
    asOf: new Date(fields.integer('asOf') * 1000).toISOString(),
  }
}

/** Notes what a tried PIN came to; without `remaining` it was right. */
export async function noteGuesses(
  vault: Vault,
  { registration, remaining }: { readonly registration: string; readonly remaining: number | undefined },
): Promise<void> {
  if (remaining !== undefined) {
    const bytes = encodeCbor({ registration, remaining, asOf: Math.floor(Date.now() / 1000) })
    await vault.put(GUESSES, { type: 'keyhaven/sync-guesses', bytes })
  } else if ((await vault.get(GUESSES)) !== undefined) {
    await vault.delete(GUESSES)
  }
}
