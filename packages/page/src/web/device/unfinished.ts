/**
 * What a person begins here and may be cut off in: noted in the vault before it begins, so that the page can tell of it after a
 * reload.
 */
import { utf8 } from 'keyhaven/crypto'
import type { AccountRemovalOutcome, ChangeOutcome } from 'keyhaven/sync'
import type { Vault } from 'keyhaven/vault'
import type { Device } from './device.ts'

type Begun = 'pin-change' | 'deletion'
type Part = Pick<Device, 'vault' | 'sync'>

export async function isUnfinished(vault: Vault, what: Begun): Promise<boolean> {
  return (await vault.get(recordOf(what))) !== undefined
}

/** The person has been told, or it is done. */
export async function forgetUnfinished(vault: Vault, what: Begun): Promise<void> {
  await vault.delete(recordOf(what))
}

export async function changePin({ vault, sync }: Part, pin: string): Promise<ChangeOutcome> {
  await note(vault, 'pin-change')
  const outcome = await sync.changePin({ pin })
  await forgetUnfinished(vault, 'pin-change')
  return outcome
}

/** Deletes the account with its backup and, once that is done, everything on this device. */
export async function deleteEverything({ vault, sync }: Part): Promise<AccountRemovalOutcome> {
  await note(vault, 'deletion')
  const outcome = await sync.deleteAccount({ leaveRegistrations: true })
  if (outcome.status === 'waiting') await forgetUnfinished(vault, 'deletion')
  else await vault.destroy()
  return outcome
}

async function note(vault: Vault, what: Begun): Promise<void> {
  await vault.put(recordOf(what), { type: 'page/unfinished', bytes: utf8(new Date().toISOString()) })
}

function recordOf(what: Begun): string {
  return `page/${what}`
}
