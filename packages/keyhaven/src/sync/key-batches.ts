/**
 * The keys on this device, as vault records: batches of changes whose merge is what there is. `sync/pending/…` are not
 * in the backup yet, `sync/keys/…` are.
 *
 * Batches are never changed, only added, and replaced by their merge when there are many. So ten thousand keys are
 * one write, and processes that share a vault need no lock between them.
 */
import { concat, lp, randomBytes, toHex } from '../crypto/index.ts'
import type { Vault, VaultRecord } from '../vault/index.ts'
import { createByteReader } from './byte-reader.ts'
import { parseConversationEntries } from './conversation-entries.ts'
import { recordDamaged } from './fields.ts'
import { parseIdentityEntries, writeIdentityEntries } from './identity-entries.ts'
import { conversationBodies } from './key-bodies.ts'
import type { AllChanges } from './key-changes.ts'
import { NO_CHANGES, isEmpty } from './key-changes.ts'
import { createKeyTable } from './merge.ts'
import type { KeyTable } from './merge.ts'
import { namesBelow, readBelow } from './records.ts'

const PENDING = 'sync/pending/'
const KEYS = 'sync/keys/'
const MOST_BATCHES = 32
const RECORD_TYPE = 'keyhaven/sync-keys'

/** Every key on this device. */
export interface LocalKeys {
  readonly identity: KeyTable
  readonly conversation: KeyTable
}

/** What is not in the backup yet. */
export interface PendingKeys {
  readonly names: readonly string[]
  readonly changes: AllChanges
}

/** Merges all batches. */
export async function readLocalKeys(vault: Vault): Promise<LocalKeys> {
  const keys = { identity: createKeyTable(), conversation: createKeyTable() }
  for (const bytes of (await readBelow(vault, KEYS, PENDING)).values()) {
    const changes = parseBatch(bytes)
    keys.identity.apply(changes.identity)
    keys.conversation.apply(changes.conversation)
  }
  return keys
}

/** What is not in the backup yet, merged. */
export async function readPending(vault: Vault): Promise<PendingKeys> {
  const records = await readBelow(vault, PENDING)
  return { names: [...records.keys()], changes: mergeBatches([...records.values()].map(parseBatch)) }
}

/** The changes that keep `changes` as not backed up yet. */
export function keepPending(changes: AllChanges): ReadonlyMap<string, VaultRecord> {
  return new Map(writeBatches(PENDING, changes))
}

/**
 * The changes that keep `changes` as backed up and drop the pending batches that they came from; many batches are
 * replaced by their merge by the way.
 */
export async function keepBackedUp(
  vault: Vault,
  input: { readonly changes: AllChanges; readonly pending: readonly string[] },
): Promise<ReadonlyMap<string, VaultRecord | null>> {
  const writes = new Map<string, VaultRecord | null>(input.pending.map((name) => [name, null]))
  const known = await readMany(vault)
  for (const name of known.keys()) writes.set(name, null)
  const kept =
    known.size === 0 ? input.changes : mergeBatches([...[...known.values()].map(parseBatch), input.changes])
  for (const [name, record] of writeBatches(KEYS, kept)) writes.set(name, record)
  return writes
}

/** Changes as their merge, sorted. */
export function mergeBatches(batches: readonly AllChanges[]): AllChanges {
  return {
    identity: createKeyTable(...batches.map(({ identity }) => identity)).changes(),
    conversation: createKeyTable(...batches.map(({ conversation }) => conversation)).changes(),
  }
}

/** The batches that are in the backup if there are many; none otherwise. */
async function readMany(vault: Vault): Promise<ReadonlyMap<string, Uint8Array>> {
  const { length } = await namesBelow(vault, KEYS)
  return length < MOST_BATCHES ? new Map() : readBelow(vault, KEYS)
}

/** A batch: `lp(identity body) ‖ conversation body`, in records of about 1 MB. */
function writeBatches(prefix: string, changes: AllChanges): (readonly [string, VaultRecord])[] {
  if (isEmpty(changes)) return []
  const [first = new Uint8Array(), ...more] = conversationBodies(changes.conversation)
  const bodies = [
    concat(lp(writeIdentityEntries(changes.identity)), first),
    ...more.map((body) => concat(lp(writeIdentityEntries(NO_CHANGES)), body)),
  ]
  return bodies.map((bytes) => [prefix + toHex(randomBytes(16)), { type: RECORD_TYPE, bytes }])
}

function parseBatch(bytes: Uint8Array): AllChanges {
  try {
    const reader = createByteReader(bytes, 'batch')
    const identity = parseIdentityEntries(reader.bytes(reader.integer(4)))
    return { identity, conversation: parseConversationEntries(reader.bytes(reader.rest())) }
  } catch {
    throw recordDamaged()
  }
}
