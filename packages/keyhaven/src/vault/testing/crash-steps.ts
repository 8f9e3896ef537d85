/**
 * Steps in the life of a vault in files that a crash test cuts short, and the two states that may come of each.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8 } from '../../crypto/bytes.ts'
import { isKeyhavenError } from '../../errors.ts'
import type { Protection } from '../protection.ts'
import { createFileDeviceProtection } from '../protection/device-file.ts'
import { createFileStorage } from '../storage/file.ts'
import type { FileOperations } from '../storage/file-operations.ts'
import type { VaultStorage } from '../storage.ts'
import type { Vault, VaultRecord } from '../types.ts'
import { createVault, openVault } from '../vault.ts'
import { fixedProtection } from './fixed-protection.ts'

export type StepName =
  'create' | 'write' | 'change-protection' | 'change-device-key' | 'destroy' | 'destroy-device-key'

/** Whether the vault of the step opens by a key of the device. */
function byDevice(step: StepName): boolean {
  return step === 'change-device-key' || step === 'destroy-device-key'
}

const name = 'v'

function record(text: string): VaultRecord {
  return { type: 't', bytes: utf8(text) }
}

const PATIENCE_MS = 60_000

function storageIn(directory: string, operations: FileOperations): VaultStorage {
  return createFileStorage({ directory: join(directory, 'vaults'), patienceMs: PATIENCE_MS }, operations)
}

/** The device's way in; its own lock is never waited for, because a trial may have struck just its release. */
function deviceIn(directory: string, operations: FileOperations, label: string): Protection {
  return createFileDeviceProtection({ keyFile: join(directory, 'device.key'), label }, operations, 0)
}

async function openWith(storage: VaultStorage, text: string): Promise<Vault> {
  const vault = await openVault({ name, storage })
  const { status } = await vault.unlock(fixedProtection(text))
  if (status !== 'unlocked') throw new Error(status)
  return vault
}

/** What is there before the step. */
export async function prepare(step: StepName, directory: string, operations: FileOperations): Promise<void> {
  if (step === 'create') return
  const storage = storageIn(directory, operations)
  const old = byDevice(step) ? deviceIn(directory, operations, 'old') : fixedProtection('old')
  const vault = await createVault({ name, storage, protections: [old] })
  for (const each of ['a', 'b', 'c']) await vault.put(each, record('old'))
}

/** The step itself: it does what its name says. */
export async function run(step: StepName, directory: string, operations: FileOperations): Promise<void> {
  const storage = storageIn(directory, operations)
  if (step === 'create') {
    await createVault({ name, storage, protections: [fixedProtection('new')] })
    return
  }
  if (step === 'change-device-key') return changeDeviceKey(directory, operations)
  if (step === 'destroy-device-key') {
    const device = deviceIn(directory, operations, '')
    return (await openVault({ name, storage, protections: [device] })).destroy()
  }
  const vault = await openWith(storage, 'old')
  if (step === 'destroy') return vault.destroy()
  if (step === 'change-protection') {
    const [old] = await vault.protections()
    await vault.changeProtection(old?.id ?? '', fixedProtection('new'))
    return
  }
  const added = Array.from({ length: 40 }, (_, index) => [`new ${String(index)}`, record('new')] as const)
  await vault.write(new Map([...added, ['a', record('new')], ['b', null]]))
}

/** A new key into the file, a new slot into the head, the old key out of the file. */
async function changeDeviceKey(directory: string, operations: FileOperations): Promise<void> {
  const storage = storageIn(directory, operations)
  const vault = await openVault({ name, storage, protections: [deviceIn(directory, operations, 'old')] })
  const [old] = await vault.protections()
  await vault.changeProtection(old?.id ?? '', deviceIn(directory, operations, 'new'))
}

/** The device's key opens the vault whatever happened, and reads its records. */
async function judgeDeviceKey(directory: string, operations: FileOperations): Promise<'old' | 'new'> {
  const storage = storageIn(directory, operations)
  const vault = await openVault({ name, storage, protections: [deviceIn(directory, operations, '')] })
  if ((await judgeRecords(vault)) !== 'old') throw new Error('the records are others')
  const [only, ...others] = await vault.protections()
  if (others.length > 0 || (only?.label !== 'old' && only?.label !== 'new'))
    throw new Error('other protections')
  return only.label
}

/** Reads the whole state, as 'old' or 'new'; anything else is thrown. */
export async function judge(
  step: StepName,
  directory: string,
  operations: FileOperations,
): Promise<'old' | 'new'> {
  if (step === 'change-device-key') return judgeDeviceKey(directory, operations)
  const storage = storageIn(directory, operations)
  if (step === 'destroy-device-key' && (await isThere(storage))) {
    return judgeDeviceKey(directory, operations)
  }
  if (step === 'create' || step === 'destroy' || step === 'destroy-device-key') {
    const there = await isThere(storage)
    return (step === 'create') === there ? 'new' : 'old'
  }
  if (step === 'change-protection') {
    const vault = await openVault({ name, storage })
    const opens = async (text: string): Promise<boolean> =>
      (await vault.unlock(fixedProtection(text))).status === 'unlocked'
    const [old, changed] = [await opens('old'), await opens('new')]
    if (old === changed) throw new Error('neither or both protections open the vault')
    return old ? 'old' : 'new'
  }
  return judgeRecords(await openWith(storage, 'old'))
}

async function isThere(storage: VaultStorage): Promise<boolean> {
  try {
    await openVault({ name, storage })
    return true
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_VAULT_MISSING')) return false
    throw error
  }
}

async function judgeRecords(vault: Vault): Promise<'old' | 'new'> {
  const found: string[] = []
  for (const summary of await vault.list()) {
    const value = await vault.get(summary.name)
    found.push(`${summary.name}=${new TextDecoder().decode(value?.bytes)}`)
  }
  const added = Array.from({ length: 40 }, (_, index) => `new ${String(index)}=new`)
  if (found.join() === 'a=old,b=old,c=old') return 'old'
  if (found.toSorted().join() === ['a=new', 'c=old', ...added].toSorted().join()) return 'new'
  throw new Error('the records are neither the old nor the new ones')
}

/**
 * Of the key that opened the old state nothing is left once another is in force; beside it there may be one that was
 * made for a slot which never came to be, and opens nothing.
 */
async function requireNoOldKey(vault: Vault, directory: string): Promise<void> {
  const { size } = await stat(join(directory, 'device.key')).catch(() => ({ size: 0 }))
  const keys = size === 0 ? 0 : (size - 9 - 32) / 48
  const labels = (await vault.protections()).map(({ label }) => label)
  if (keys > (labels.includes('old') ? 2 : labels.includes('new') ? 1 : 0))
    throw new Error(`${String(keys)} keys`)
}

/** The vault can be used on after the crash, and one write later nothing of the crash is left. */
export async function useOn(step: StepName, directory: string, operations: FileOperations): Promise<void> {
  const storage = storageIn(directory, operations)
  if (!(await isThere(storage))) {
    await createVault({ name, storage, protections: [fixedProtection('new')] })
  }
  const protections = byDevice(step) ? [deviceIn(directory, operations, '')] : []
  const vault = await openVault({ name, storage, protections })
  for (const text of ['old', 'new']) {
    if (vault.state() === 'locked') await vault.unlock(fixedProtection(text))
  }
  await vault.put('after', record('after'))
  await vault.put('after', record('after'))
  const leavings = (await readdir(join(directory, 'vaults', name))).filter(
    (file) => !/^(head|[pm]-[0-9a-f]{32})$/.test(file),
  )
  if (leavings.length > 0) throw new Error(`left behind: ${leavings.join()}`)
  if (byDevice(step)) await requireNoOldKey(vault, directory)
  await vault.destroy()
  // A process that is killed while it waits for the lock leaves its ticket, which the next process clears away.
  const left = [...(await readdir(join(directory, 'vaults'))), ...(await readdir(directory))].filter(
    // A key that was made for a slot which never came to be opens nothing.
    (file) =>
      !/^(v|device\.key)\.lock\.[0-9a-f]{32}$/.test(file) && file !== 'vaults' && file !== 'device.key',
  )
  if (left.length > 0) throw new Error(`not destroyed: ${left.join()}`)
}
