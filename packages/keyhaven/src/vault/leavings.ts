/**
 * Device keys of protections that were removed. Until such a key is deleted it opens old copies of the vault; so the
 * write that removes the slot leaves a note beside the vault, and the note goes only after the key. Whoever dies in
 * between, or has not the key's keeper at hand, leaves the note, and a later session that writes goes on from there.
 *
 * A key that was made for a slot which never came to be has no note: it opens nothing.
 */
import { bytesOfHex, toHex } from '../crypto/bytes.ts'
import type { Factor } from './protection.ts'
import type { Slot } from './slot.ts'
import { forgetFactor } from './slots.ts'
import { HEAD } from './storage.ts'
import type { VaultStorage } from './storage.ts'

/** Whether a blob is such a note. */
export function isNote(blob: string): boolean {
  return blob.startsWith('k')
}

/** The notes for slots that go: empty blobs `k<keeper>-<slot id, hex>`, the keeper as in the key's parameters. */
export function notesOf(slots: readonly Slot[]): readonly string[] {
  return slots.flatMap(({ id, factors }) =>
    factors
      .filter(({ type }) => type === 'device')
      .map(({ parameters: [keeper] }) => `k${String(keeper)}-${toHex(id)}`),
  )
}

interface NotedVault {
  readonly name: string
  readonly storage: VaultStorage
  readonly vaultId: Uint8Array
  readonly keepers: readonly Factor[]
}

/**
 * Deletes the keys that the notes name, as far as their keepers are at hand, and the notes, and with the last of them
 * what a destroyed vault left; tries all, then throws the first fault.
 */
export async function forgetNoted(
  { name, storage, vaultId, keepers }: NotedVault,
  notes: readonly string[],
  others: readonly Factor[] = [],
): Promise<void> {
  if (notes.length === 0) return
  const forgotten = await Promise.allSettled(
    notes.map((note) => {
      const context = { vaultId, slotId: bytesOfHex(note.slice(3)), storageDirectory: storage.directory }
      const stored = { type: 'device', parameters: Uint8Array.of(Number(note[1])) } as const
      return forgetFactor(context, stored, [...keepers, ...others])
    }),
  )
  const done = notes.filter((_, index) => {
    const outcome = forgotten[index]
    return outcome?.status === 'fulfilled' && outcome.value
  })
  await storage.exclusive(name, async (writer) => {
    const over = done.length === notes.length && (await storage.read(name, HEAD)) === undefined
    await (over ? writer.destroy([]) : writer.remove(done))
  })
  for (const outcome of forgotten) if (outcome.status === 'rejected') throw outcome.reason
}

/** As {@link forgetNoted}, for the notes of which this session knows. */
export function forgetLeft(vault: NotedVault, notes: Set<string>, others?: readonly Factor[]): Promise<void> {
  const known = [...notes]
  notes.clear()
  return forgetNoted(vault, known, others)
}
