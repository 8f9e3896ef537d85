/**
 * The keys on this device, as batches of changes whose merge is what there is: `sync/pending/…` are not in the backup
 * yet, `sync/keys/…` are.
 */
import { concat, lp } from '../../crypto/bytes.ts'
import type { Vault, VaultRecord } from '../../vault/index.ts'
import { createBatchCache } from './batch-cache.ts'
import type { BatchCache } from './batch-cache.ts'
import { addBatches } from './batches.ts'
import type { BatchFolder, Writes } from './batches.ts'
import { createByteReader } from '../format/byte-reader.ts'
import { createConversationIndex } from './conversation-index.ts'
import type { ConversationIndex } from './conversation-index.ts'
import { recordDamaged } from '../format/fields.ts'
import { parseIdentityEntries, writeIdentityEntries } from '../format/identity-entries.ts'
import { identityBodies, packBodies } from '../format/key-bodies.ts'
import type { AllChanges, KeyChanges } from '../format/key-changes.ts'
import { NO_CHANGES } from '../format/key-changes.ts'
import { createKeyTable } from './merge.ts'
import type { KeyTable } from './merge.ts'
import { namesBelow, readBelow } from './records.ts'

const PENDING: BatchFolder = { prefix: 'sync/pending/', type: 'keyhaven/sync-keys', merge: mergeRecords }
const KEYS: BatchFolder = { ...PENDING, prefix: 'sync/keys/' }
/** While something is on its way, pending batches keep their names: the outbox says which of them it holds. */
const OUTBOX = 'sync/outbox'

/** Every key on this device. It may grow while it is held. */
export interface LocalKeys {
  readonly identity: KeyTable
  readonly conversation: ConversationIndex
}

/** What is not in the backup yet. */
export interface PendingKeys {
  readonly names: readonly string[]
  readonly changes: AllChanges
}

/** Every key of a vault, in memory while it is unlocked. */
export const localKeys: BatchCache<LocalKeys> = createBatchCache({
  prefixes: [KEYS.prefix, PENDING.prefix],
  create: () => ({ identity: createKeyTable(), conversation: createConversationIndex() }),
  apply: ({ identity, conversation }, batch) => {
    const parts = parseBatch(batch)
    identity.apply(parts.identity)
    appendBody(conversation, parts.conversation)
  },
  end: ({ conversation }) => {
    conversation.wipe()
  },
})

/** Every key on this device. */
export function readLocalKeys(vault: Vault): Promise<LocalKeys> {
  return localKeys.read(vault)
}

/** What is not in the backup yet, merged. */
export async function readPending(vault: Vault): Promise<PendingKeys> {
  const records = await readBelow(vault, PENDING.prefix)
  return { names: [...records.keys()], changes: mergeParts([...records.values()].map(parseBatch)) }
}

/** The writes that keep `changes` as not backed up yet. */
export async function keepPending(vault: Vault, changes: AllChanges): Promise<Writes> {
  const sending = await namesBelow(vault, OUTBOX)
  return addBatches(vault, PENDING, { fresh: writeBatches(changes), mayMerge: sending.length === 0 })
}

/** The writes that keep `changes` as backed up and drop the pending batches that they came from. */
export async function keepBackedUp(
  vault: Vault,
  input: { readonly changes: AllChanges; readonly pending: readonly string[] },
): Promise<Writes> {
  const dropped = input.pending.map((name): [string, VaultRecord | null] => [name, null])
  const kept = await addBatches(vault, KEYS, { fresh: writeBatches(input.changes), mayMerge: true })
  return new Map([...dropped, ...kept])
}

/** Batches `lp(identity body) ‖ conversation body`, of about 1 MB at most. */
function writeBatches(changes: AllChanges): readonly Uint8Array[] {
  const identity = identityBodies(changes.identity)
  const conversation = packBodies(changes.conversation)
  return Array.from({ length: Math.max(identity.length, conversation.length) }, (_, index) =>
    concat(lp(identity[index] ?? writeIdentityEntries(NO_CHANGES)), conversation[index] ?? new Uint8Array()),
  )
}

interface BatchParts {
  readonly identity: KeyChanges
  readonly conversation: Uint8Array
}

function parseBatch(bytes: Uint8Array): BatchParts {
  try {
    const reader = createByteReader(bytes, 'batch')
    const identity = parseIdentityEntries(reader.bytes(reader.integer(4)))
    return { identity, conversation: reader.bytes(reader.rest()) }
  } catch {
    throw recordDamaged()
  }
}

function appendBody(index: ConversationIndex, body: Uint8Array): void {
  try {
    index.append(body)
  } catch {
    throw recordDamaged()
  }
}

function mergeRecords(batches: readonly Uint8Array[]): readonly Uint8Array[] {
  return writeBatches(mergeParts(batches.map(parseBatch)))
}

function mergeParts(batches: readonly BatchParts[]): AllChanges {
  const merged = createConversationIndex()
  for (const { conversation } of batches) appendBody(merged, conversation)
  return {
    identity: createKeyTable(...batches.map(({ identity }) => identity)).changes(),
    conversation: merged.bodies(),
  }
}
