/**
 * Batches: vault records that are added and never changed, so that one key more costs a record for one key, and
 * processes that share a vault need no lock between them. What there is is the merge of all batches of a folder.
 *
 * Small batches are merged when there are many of one size, large ones stay as they are: so there are never many, and
 * each byte is written again only a few times, however long the vault lives (a log-structured merge tree).
 */
import { randomBytes } from '../../crypto/bytes.ts'
import { toHex } from '../../crypto/text.ts'
import type { Vault, VaultRecord } from '../../vault/index.ts'
import { namesBelow, readNamed } from './records.ts'

/** Batches of up to so many bytes are of level 0, 1, 2; larger ones are of level 3 and never merged. */
const LEVEL_BYTES = [1024, 16 * 1024, 256 * 1024]
const MOST_OF_A_LEVEL = 16

/** Batches of one kind: records `<prefix><level>/<32 random hex digits>`. */
export interface BatchFolder {
  /** Ends in `/`. */
  readonly prefix: string
  readonly type: string
  /** Batches that say what all of these say. */
  readonly merge: (batches: readonly Uint8Array[]) => readonly Uint8Array[]
}

/** Changes of vault records. */
export type Writes = ReadonlyMap<string, VaultRecord | null>

/** The writes that add batches; by the way they merge the batches of a level that has many, unless told not to. */
export async function addBatches(
  vault: Vault,
  folder: BatchFolder,
  input: { readonly fresh: readonly Uint8Array[]; readonly mayMerge: boolean },
): Promise<Writes> {
  const writes = new Map<string, VaultRecord | null>()
  const names = input.mayMerge ? await namesBelow(vault, folder.prefix) : []
  let fresh = input.fresh
  for (const level of LEVEL_BYTES.keys()) {
    const there = names.filter((name) => name.startsWith(`${folder.prefix}${String(level)}/`))
    const arriving = fresh.filter((bytes) => levelOf(bytes) === level)
    if (there.length + arriving.length < MOST_OF_A_LEVEL || there.length === 0) continue
    const old = await readNamed(vault, there)
    if (old === undefined) continue
    for (const name of there) writes.set(name, null)
    const others = fresh.filter((bytes) => levelOf(bytes) !== level)
    fresh = [...others, ...folder.merge([...old.values(), ...arriving])]
  }
  for (const bytes of fresh) writes.set(newName(folder, bytes), { type: folder.type, bytes })
  return writes
}

function newName({ prefix }: BatchFolder, bytes: Uint8Array): string {
  return `${prefix}${String(levelOf(bytes))}/${toHex(randomBytes(16))}`
}

function levelOf(bytes: Uint8Array): number {
  const level = LEVEL_BYTES.findIndex((most) => bytes.length < most)
  return level === -1 ? LEVEL_BYTES.length : level
}
