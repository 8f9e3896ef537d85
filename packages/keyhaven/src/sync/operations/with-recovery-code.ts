/** The recovery code as a way in: made and shown once, used to restore without the PIN. */
import { wipe } from '../../crypto/index.ts'
import type { SyncContext } from '../steps/context.ts'
import type { WayRestoreOutcome } from '../outcomes.ts'
import { deriveRecoveryCodeSeed, generateRecoveryCode } from '../format/recovery-code.ts'
import { restoreWithSeed } from './restore.ts'
import { addSeededWay } from './ways-change.ts'

export type RecoveryCodeOutcome =
  | {
      readonly status: 'added'
      /** 32 hex digits. */
      readonly wayId: string
      /** Show it once; nothing else has it. */
      readonly code: string
    }
  | { readonly status: 'no-backup' }

/** Makes a code, and lists its way in. */
export async function addRecoveryCode(context: SyncContext, label: string): Promise<RecoveryCodeOutcome> {
  const code = generateRecoveryCode()
  const seed = deriveRecoveryCodeSeed(code, context.account)
  try {
    const added = await addSeededWay(context, { type: 'recovery-code', label, seed })
    return added === undefined ? { status: 'no-backup' } : { status: 'added', wayId: added.id, code }
  } finally {
    wipe(seed)
  }
}

/** Restores with a code. */
export async function restoreWithCode(context: SyncContext, code: string): Promise<WayRestoreOutcome> {
  const seed = deriveRecoveryCodeSeed(code, context.account)
  try {
    return await restoreWithSeed(context, seed)
  } finally {
    wipe(seed)
  }
}
