/**
 * Changes what is registered: a first backup, or one that replaces another (key-log.md, "one pointer, nothing
 * overwritten"). Everything new is made beside what is in use, journaled, uploaded unseen, registered at a subject
 * of its own and got back once; then one signed commit moves the pointer. Before it only the old PIN works, after it
 * only the new; a crash before it leaves something to abandon, a crash after it something to complete.
 */
import { deriveXWingPublicKey, parseHex, randomBytes, sha256, toHex, wipe } from '../crypto/index.ts'
import { signPointerChange } from './authority.ts'
import type { BackupState } from './backup-state.ts'
import { keyBodies, sealChain } from './compose.ts'
import type { Body } from './compose.ts'
import type { SyncContext } from './context.ts'
import { deriveDeviceWay } from './device.ts'
import type { AllChanges } from './key-changes.ts'
import { keepOutbox } from './outbox.ts'
import type { Outbox, OutgoingSlot } from './outbox.ts'
import { lastSequence } from './push.ts'
import { realmIds, registerAndCompare } from './registration.ts'
import { completeChange, sendOutbox } from './send.ts'
import { deriveWayId, sealSlot } from './slot.ts'
import { writeSnapshot } from './snapshot.ts'
import { describeTrust, writeWays } from './ways.ts'
import type { Way } from './ways.ts'

export interface ChangeInput {
  /** The normalised PIN. */
  readonly pin: Uint8Array
  /** Everything that the new generation holds. */
  readonly changes: AllChanges
  /** The pending batches among it. */
  readonly pending: readonly string[]
  readonly expectedEtag: string | null
  /** What is replaced; none for a first backup. */
  readonly replaced: BackupState | undefined
}

interface Change {
  readonly outbox: Outbox & { readonly registration: string }
  readonly waySeed: Uint8Array
  readonly authoritySeed: Uint8Array
  readonly anchor: Uint8Array
  readonly expectedHeads: readonly string[]
}

/** Makes, uploads, registers and commits; returns the state after it and how many segments it took. */
export async function changePointer(
  context: SyncContext,
  input: ChangeInput,
): Promise<{ readonly state: BackupState; readonly uploaded: number }> {
  const { transport, vault, signal } = context
  const change = await makeChange(context, input)
  const { outbox, waySeed, anchor } = change
  const { registration, generation } = outbox
  try {
    await vault.write(keepOutbox(outbox))
    const realms = realmIds(context)
    const { expectedEtag } = input
    await transport.beginChange({ registration, generation, realms, expectedEtag }, signal)
    await sendOutbox(context, outbox)
    const secret = { waySeed, generation, anchor }
    await registerAndCompare(context, { registration, pin: input.pin, secret })
    await commit(context, input, change)
    return { state: await completeChange(context, outbox), uploaded: outbox.segments.length }
  } finally {
    wipe(waySeed)
  }
}

async function commit(context: SyncContext, input: ChangeInput, change: Change): Promise<void> {
  const { registration, generation } = change.outbox
  const { authority, signature } = signPointerChange(
    {
      account: context.account,
      registration: parseHex(registration, 'registration', 16),
      generation,
      expectedEtag: input.expectedEtag,
      anchor: change.anchor,
      expectedHeads: change.expectedHeads.map((id) => parseHex(id, 'heads', 32)),
    },
    change.authoritySeed,
  )
  const { expectedEtag } = input
  const { expectedHeads } = change
  const anchor = toHex(change.anchor)
  const signed = { authority: toHex(authority), signature: toHex(signature) }
  await context.transport.commitChange(
    { registration, expectedEtag, expectedHeads, anchor, ...signed },
    context.signal,
  )
}

async function makeChange(context: SyncContext, input: ChangeInput): Promise<Change> {
  const { replaced } = input
  const generation = (replaced?.generation ?? 0) + 1
  const root = randomBytes(32)
  const waySeed = randomBytes(32)
  const authoritySeed = replaced?.authoritySeed ?? randomBytes(32)
  const ways = await sealWays(context, { generation, root, waySeed, replaced })
  const trust = describeTrust(context.configuration)
  const listed = writeWays({ ways: ways.map(({ way }) => way), authoritySeed, trust })
  const sequence = await lastSequence(context, replaced)
  const expectedHeads = replaced?.heads ?? []
  const bodies: readonly Body[] = [
    ...keyBodies(input.changes),
    ...(replaced === undefined ? [] : [snapshotOf(replaced)]),
    { kind: 'ways', body: listed },
  ]
  const segments = await sealChain(context, { bodies, root, generation, heads: expectedHeads, sequence })
  const slots = ways.map(({ slot }) => slot)
  const registration = toHex(randomBytes(16))
  const outbox = { generation, root, segments, slots, pending: input.pending, registration }
  const anchor = segments.at(-1)?.id ?? new Uint8Array(32)
  return { outbox, waySeed, authoritySeed, anchor, expectedHeads }
}

function snapshotOf(replaced: BackupState): Body {
  const { heads, anchors, sequences } = replaced
  return { kind: 'snapshot', body: writeSnapshot({ heads, anchors, sequences }) }
}

interface SealedWay {
  readonly way: Way
  readonly slot: OutgoingSlot
}

/** The new PIN's way, this device's, and every other way that was listed except the old PIN's. */
async function sealWays(
  context: SyncContext,
  input: {
    readonly generation: number
    readonly root: Uint8Array
    readonly waySeed: Uint8Array
    readonly replaced: BackupState | undefined
  },
): Promise<readonly SealedWay[]> {
  const pinKey = deriveXWingPublicKey(input.waySeed)
  const device = deriveDeviceWay(context.device)
  const others = (input.replaced?.ways ?? []).filter(({ type, id }) => type !== 'pin' && id !== device.id)
  const ways = [
    { id: toHex(deriveWayId(pinKey)), type: 'pin', label: 'PIN', publicKey: pinKey },
    { id: device.id, type: 'device', label: context.device.label, publicKey: device.publicKey },
    ...others,
  ]
  const sealed: SealedWay[] = []
  for (const { id, type, label, publicKey } of ways) {
    const { account } = context
    const slot = await sealSlot({ account, generation: input.generation, root: input.root, publicKey })
    sealed.push({ way: { id, type, label, publicKey, slotHash: sha256(slot) }, slot: { wayId: id, slot } })
  }
  return sealed
}
