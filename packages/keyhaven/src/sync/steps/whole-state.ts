/**
 * Everything that this device has, sealed again as the beginning of a log: the keys, a snapshot that says what they take
 * the place of, and last the ways in. A new generation begins so, and so does the log of one that is shortened.
 */
import type { Authorities } from '../format/authority.ts'
import type { BackupState } from '../device/backup-state.ts'
import { keyBodies, sealChain } from './compose.ts'
import type { Body } from './compose.ts'
import type { SyncContext } from './context.ts'
import { readLocalKeys, readPending } from '../device/key-batches.ts'
import { lastSequence } from './push.ts'
import type { Segment } from '../format/segment.ts'
import { writeSnapshot } from '../format/snapshot.ts'
import { describeTrust, writeWays } from '../format/ways.ts'
import type { Way } from '../format/ways.ts'

export interface WholeState {
  /** The last one is the ways segment. */
  readonly segments: readonly Segment[]
  /** The pending batches that the segments hold. */
  readonly pending: readonly string[]
}

/** Seals the keys on this device after the heads of `covered`, which they take the place of; of nothing in a first backup. */
export async function sealWholeState(
  context: SyncContext,
  input: {
    readonly generation: number
    readonly root: Uint8Array
    readonly ways: readonly Way[]
    readonly authorities: Authorities
    readonly covered: BackupState | undefined
  },
): Promise<WholeState> {
  const { generation, root, ways, covered } = input
  const { authoritySeed, formerAuthorities } = input.authorities
  // Pending batches are read first, so that none is marked as backed up without being there.
  const pending = (await readPending(context.vault)).names
  const local = await readLocalKeys(context.vault)
  const changes = { identity: local.identity.changes(), conversation: local.conversation.bodies() }
  const trust = describeTrust(context.configuration)
  const bodies: readonly Body[] = [
    ...keyBodies(changes),
    ...(covered === undefined ? [] : [snapshotOf(covered, generation)]),
    { kind: 'ways', body: writeWays({ ways, authoritySeed, formerAuthorities, trust }) },
  ]
  const heads = covered?.heads ?? []
  const sequence = await lastSequence(context, covered)
  return { segments: await sealChain(context, { bodies, root, generation, heads, sequence }), pending }
}

function snapshotOf(covered: BackupState, generation: number): Body {
  const { heads, anchors, sequences, begun } = covered
  const same = covered.generation === generation
  const body = writeSnapshot({ heads, anchors, sequences, ...(same && { begun }) })
  return { kind: 'snapshot', body }
}
