/**
 * This device, as its vault knows it: a random id, the seed of its own way in, and the last sequence that it used.
 *
 * A sequence is never used twice: it is taken in the same write that keeps the segment which uses it.
 */
import { randomBytes } from '../../crypto/bytes.ts'
import { loadXWing } from '../../crypto/load-x-wing.ts'
import { toHex } from '../../crypto/text.ts'
import type { Vault, VaultRecord } from '../../vault/index.ts'
import { encodeCbor, parseCborMap } from '../format/cbor.ts'
import { recordDamaged } from '../format/fields.ts'
import { deriveWayId } from '../format/slot.ts'

const DEVICE = 'sync/device'
const SEQUENCE = 'sync/sequence'

export interface Device {
  /** 16 random bytes. */
  readonly id: Uint8Array
  /** The X-Wing seed of the device's way in, 32 bytes. */
  readonly waySeed: Uint8Array
  readonly label: string
}

/** The device of this vault, if there is one. */
export async function findDevice(vault: Vault): Promise<Device | undefined> {
  const record = await vault.get(DEVICE)
  return record === undefined ? undefined : parseDevice(record.bytes)
}

/** The device of this vault; it is made when there is none yet. */
export async function openDevice(vault: Vault, label?: string): Promise<Device> {
  const known = await findDevice(vault)
  if (known !== undefined && (label === undefined || label === known.label)) return known
  const device = {
    id: known?.id ?? randomBytes(16),
    waySeed: known?.waySeed ?? randomBytes(32),
    label: label ?? 'device',
  }
  await vault.put(DEVICE, { type: 'keyhaven/device', bytes: encodeCbor(device) })
  return device
}

/** The public key (1216 bytes) of the device's way in, and the way's id in hex. */
export async function deriveDeviceWay(
  device: Device,
): Promise<{ readonly id: string; readonly publicKey: Uint8Array }> {
  const { deriveXWingPublicKey } = await loadXWing()
  const publicKey = deriveXWingPublicKey(device.waySeed)
  return { id: toHex(deriveWayId(publicKey)), publicKey }
}

/** The last sequence that this device used; 0 before the first. */
export async function readSequence(vault: Vault): Promise<number> {
  const record = await vault.get(SEQUENCE)
  return record === undefined ? 0 : parseCborMap(record.bytes, recordDamaged).integer('sequence')
}

/** The change that keeps the last used sequence. */
export function keepSequence(sequence: number): readonly [string, VaultRecord] {
  return [SEQUENCE, { type: 'keyhaven/sequence', bytes: encodeCbor({ sequence }) }]
}

function parseDevice(bytes: Uint8Array): Device {
  const fields = parseCborMap(bytes, recordDamaged)
  return { id: fields.bytes('id', 16), waySeed: fields.bytes('waySeed', 32), label: fields.text('label') }
}
