/**
 * Steps in the life of a vault in files that a crash test cuts short, and the two states that may come of each.
 */
import { readdir } from 'node:fs/promises'
import { utf8 } from '../../crypto/bytes.ts'
import { isKeyhavenError } from '../../errors.ts'
import { createFileStorage } from '../storage/file.ts'
import type { FileOperations } from '../storage/file-operations.ts'
import type { VaultStorage } from '../storage.ts'
import type { Vault, VaultRecord } from '../types.ts'
import { createVault, openVault } from '../vault.ts'
import { fixedProtection } from './fixed-protection.ts'

export type StepName = 'create' | 'write' | 'change-protection' | 'destroy'

const name = 'v'

function record(text: string): VaultRecord {
  return { type: 't', bytes: utf8(text) }
}

function storageIn(directory: string, operations: FileOperations): VaultStorage {
  return createFileStorage({ directory, patienceMs: 60_000 }, operations)
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
  const vault = await createVault({ name, storage, protections: [fixedProtection('old')] })
  for (const each of ['a', 'b', 'c']) await vault.put(each, record('old'))
}

/** The step itself: it does what its name says. */
export async function run(step: StepName, directory: string, operations: FileOperations): Promise<void> {
  const storage = storageIn(directory, operations)
  if (step === 'create') {
    await createVault({ name, storage, protections: [fixedProtection('new')] })
    return
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

/** Reads the whole state, as 'old' or 'new'; anything else is thrown. */
export async function judge(
  step: StepName,
  directory: string,
  operations: FileOperations,
): Promise<'old' | 'new'> {
  const storage = storageIn(directory, operations)
  if (step === 'create' || step === 'destroy') {
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

/** The vault can be used on after the crash, and one write later nothing of the crash is left. */
export async function useOn(directory: string, operations: FileOperations): Promise<void> {
  const storage = storageIn(directory, operations)
  if (!(await isThere(storage))) {
    await createVault({ name, storage, protections: [fixedProtection('new')] })
  }
  const vault = await openVault({ name, storage })
  for (const text of ['old', 'new']) {
    if (vault.state() === 'locked') await vault.unlock(fixedProtection(text))
  }
  await vault.put('after', record('after'))
  await vault.put('after', record('after'))
  const leavings = (await readdir(`${directory}/${name}`)).filter(
    (file) => !/^(head|[pm]-[0-9a-f]{32})$/.test(file),
  )
  if (leavings.length > 0) throw new Error(`left behind: ${leavings.join()}`)
  await vault.destroy()
  // A process that is killed while it waits for the lock leaves its ticket, which the next process clears away.
  const left = (await readdir(directory)).filter((file) => !/^v\.lock\.[0-9a-f]{32}$/.test(file))
  if (left.length > 0) throw new Error(`not destroyed: ${left.join()}`)
}
