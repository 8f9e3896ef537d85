/**
 * Forgets a backup that is gone: what this device knew of it goes, its keys stay. The authority key stays too, for
 * registrations that realms may still hold.
 */
import type { VaultRecord } from '../../vault/index.ts'
import { readState } from '../device/backup-state.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'
import { keepAuthorities } from '../device/first-authority.ts'
import { dropOutbox } from '../device/outbox.ts'
import { namesBelow } from '../device/records.ts'
import { isSignedRemoval } from '../format/removal-messages.ts'
import type { PointerState } from '../transport/transport.ts'

const STATE = 'sync/state'
const LOG = 'sync/log/'

/**
 * How the backup that this device knows was deleted, if it was: signed by the authority key that it knows, or not. A key that the
 * authority was handed on to in a later generation cannot be told from none here.
 */
export function findRemoval(
  { account }: Pick<SyncContext, 'account'>,
  { removed }: PointerState,
  state: BackupState,
): 'signed' | 'unsigned' | undefined {
  if (removed === null || removed.generation < state.generation) return undefined
  const { signature, kind, generation, etag } = removed
  if (signature === undefined) return 'unsigned'
  const about = { account, kind, generation, etag }
  if (isSignedRemoval(about, signature, state.authoritySeed)) return 'signed'
  return generation > state.generation ? 'unsigned' : undefined
}

/** Forgets, in one write. */
export async function forgetBackup({ vault }: Pick<SyncContext, 'vault'>): Promise<void> {
  const state = await readState(vault)
  const dropped: (readonly [string, VaultRecord | null])[] = [STATE, ...(await namesBelow(vault, LOG))].map(
    (name) => [name, null] as const,
  )
  const kept = state === undefined ? [] : [keepAuthorities(state)]
  await vault.write(new Map([...dropped, ...(await dropOutbox(vault)), ...kept]))
}
