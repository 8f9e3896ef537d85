/**
 * Devices come into a life by signing in, and go by being removed by another one.
 */
import { expect } from 'vitest'
import { NOTHING } from './key-bounds.ts'
import { explainedRefusal } from './life-expectations.ts'
import { inspect } from './life-inspection.ts'
import { takeKeys } from './life-operations.ts'
import { count } from './life.ts'
import type { Device, Life } from './life.ts'

const MOST_DEVICES = 4

/** One device more, which has a session and no keys. */
export async function signIn(life: Life): Promise<void> {
  if (life.devices.length >= MOST_DEVICES) return
  const person = await life.place.newDevice({ phone: life.inspector.phone })
  life.devices.push({ person, keys: NOTHING, joined: 'no' })
}

/**
 * One device removes another. Whoever has that one in his hands then, and signs in with it, has its old root key and its
 * way in, and still nothing opens without the PIN.
 */
export async function removeDevice(life: Life, device: Device, other: Device): Promise<void> {
  if (device === other || life.late.length > 0) return
  const hasBackup = !life.candidates.has(undefined)
  try {
    const outcome = await (await device.person.sync()).removeDevice({ id: other.person.deviceId })
    expect(outcome).toMatchObject({ status: 'removed', rotated: hasBackup })
    await takeKeys(life, [{ device, brought: hasBackup, sent: hasBackup }])
    if (hasBackup) {
      expect(device.joined).not.toBe('no')
      device.joined = 'yes'
      life.generation += 1
    }
  } catch (fault) {
    if (!(await explainedRefusal(life, device, fault))) throw fault
    await takeKeys(life, [{ device, brought: false, sent: false }])
    // Its session may have ended before another device's change was found to be in the way.
    if (device.joined === 'yes') life.devices.splice(life.devices.indexOf(other), 1)
    return
  }
  life.devices.splice(life.devices.indexOf(other), 1)
  count(life, 'devices removed')
  await expect(other.person.sync().then((sync) => sync.backup())).rejects.toMatchObject({
    code: 'ERR_DEVICE_REMOVED',
  })
  const thief = await life.place.newDevice({ phone: life.inspector.phone, vault: other.person.vault })
  expect(await (await thief.sync()).backup()).toEqual({ status: 'pin-needed' })
  await inspect(life)
}
