/**
 * The journal: what is being sent, kept sealed in the vault before any of it leaves this device, so that a crash
 * between any two steps is taken up again. It never holds a PIN, nor the secret that the realms get.
 *
 * One outbox at a time: either segments of the generation in use, or a whole change of the pointer.
 */
import { be4, concat, lp, parseHex, sha256, toHex } from '../../crypto/index.ts'
import type { Vault, VaultRecord } from '../../vault/index.ts'
import { encodeCbor, parseCborMap } from '../format/cbor.ts'
import { keepSequence } from './device.ts'
import { readBytesList, readFields, recordDamaged } from '../format/fields.ts'
import type { Fields } from '../format/fields.ts'
import { namesBelow } from './records.ts'
import { compareBytes, parseSegment } from '../format/segment.ts'
import type { Segment } from '../format/segment.ts'

const OUTBOX = 'sync/outbox'
const SEGMENTS = 'sync/outbox/'
const RECORD_TYPE = 'keyhaven/sync-outbox'

/** A slot on its way. */
export interface OutgoingSlot {
  /** 32 hex digits. */
  readonly wayId: string
  readonly slot: Uint8Array
}

export interface Outbox {
  readonly generation: number
  /** The root key that the segments are sealed under. */
  readonly root: Uint8Array
  readonly segments: readonly Segment[]
  readonly slots: readonly OutgoingSlot[]
  /** The pending batches that the segments hold. */
  readonly pending: readonly string[]
  /** The subject of the new registration when this is a change of the pointer. */
  readonly registration: string | undefined
}

/**
 * The hash by which a commit names what was put for it, 32 bytes: of the ids of the segments and of the slots, each
 * sorted (docs/protocol.md, "Pointer").
 */
export function hashOutbox({ segments, slots }: Pick<Outbox, 'segments' | 'slots'>): Uint8Array {
  const ids = segments.map(({ id }) => id).sort(compareBytes)
  const ways = [...slots].sort((left, right) => (left.wayId < right.wayId ? -1 : 1))
  return sha256(
    concat(
      lp('keyhaven/change/v1'),
      be4(ids.length),
      ...ids.map((id) => lp(id)),
      ...ways.map(({ wayId, slot }) => concat(lp(parseHex(wayId, 'wayId', 16)), lp(slot))),
    ),
  )
}

/** The changes that keep an outbox together with the sequences that it uses. */
export function keepOutbox(outbox: Outbox): ReadonlyMap<string, VaultRecord> {
  const { generation, root, slots, pending, registration } = outbox
  const head = encodeCbor({
    generation,
    root,
    slots: slots.map(({ wayId, slot }) => ({ wayId, slot })),
    pending,
    registration: registration ?? null,
    segments: outbox.segments.map(({ id }) => id),
  })
  const last = outbox.segments.at(-1)
  return new Map([
    [OUTBOX, { type: RECORD_TYPE, bytes: head }],
    ...outbox.segments.map(({ id, bytes }) => [SEGMENTS + toHex(id), { type: RECORD_TYPE, bytes }] as const),
    ...(last === undefined ? [] : [keepSequence(last.sequence)]),
  ])
}

/** The outbox, if something is on its way. */
export async function readOutbox(vault: Vault): Promise<Outbox | undefined> {
  const record = await vault.get(OUTBOX)
  if (record === undefined) return undefined
  const fields = parseCborMap(record.bytes, recordDamaged)
  const segments: Segment[] = []
  for (const id of readBytesList(fields.list('segments'), recordDamaged, 32)) {
    const stored = await vault.get(SEGMENTS + toHex(id))
    if (stored === undefined) throw recordDamaged()
    segments.push(parseSegment(stored.bytes))
  }
  return {
    generation: fields.integer('generation'),
    root: fields.bytes('root', 32),
    segments,
    slots: readSlots(fields),
    pending: readNames(fields),
    registration: fields.has('registration') ? fields.text('registration') : undefined,
  }
}

/** The changes that forget the outbox. */
export async function dropOutbox(vault: Vault): Promise<ReadonlyMap<string, null>> {
  return new Map([OUTBOX, ...(await namesBelow(vault, SEGMENTS))].map((name) => [name, null]))
}

function readSlots(fields: Fields): readonly OutgoingSlot[] {
  return fields.list('slots').map((item) => {
    const slot = readFields(item, recordDamaged)
    return { wayId: slot.text('wayId'), slot: slot.bytes('slot') }
  })
}

function readNames(fields: Fields): readonly string[] {
  return fields.list('pending').map((name) => {
    if (typeof name !== 'string') throw recordDamaged()
    return name
  })
}
