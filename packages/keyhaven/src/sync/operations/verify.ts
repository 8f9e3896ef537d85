/**
 * Proves that the backup is there and whole: everything comes down, is verified from the roots to the heads and opened,
 * as for a restore. Writes nothing.
 */
import { wipe } from '../../crypto/index.ts'
import type { KeyhavenErrorCode } from '../../errors.ts'
import { KeyhavenError } from '../../errors.ts'
import { requireSignedPointer } from '../format/authority.ts'
import { readState } from '../device/backup-state.ts'
import type { BackupState } from '../device/backup-state.ts'
import { isInUse } from '../steps/catch-up.ts'
import type { PointerInUse } from '../steps/catch-up.ts'
import type { SyncContext } from '../steps/context.ts'
import { createConversationIndex } from '../device/conversation-index.ts'
import { openRoot, readGeneration, requireAnchor, requireListed } from '../steps/enter.ts'
import type { OpenedRoot } from '../steps/enter.ts'
import { findRemoval } from '../steps/forget-backup.ts'
import { createKeyTable } from '../device/merge.ts'
import type { LogDamage, Verified, VerifyOutcome } from '../outcomes.ts'
import type { LogReading } from '../steps/read-log.ts'
import type { RegisteredSecret } from '../format/registered-secret.ts'
import { tryPin } from '../steps/try-pin.ts'
import { requireRemembered } from '../steps/remembered.ts'
import { isDamage, surveyLog } from '../steps/survey.ts'

/** With `pin` (normalised) also that the PIN opens it, from nothing that this device has. */
export async function verifyBackup(
  context: SyncContext,
  pin: Uint8Array | undefined,
): Promise<VerifyOutcome> {
  const known = await readState(context.vault)
  const pointer = await context.transport.readPointer(context.signal)
  const removal = known && findRemoval(context, pointer, known)
  if (removal === 'unsigned') throw new KeyhavenError('ERR_BACKUP_REMOVED', undefined)
  const state = removal === 'signed' ? undefined : known
  if ((pointer.pointer?.generation ?? 0) < (state?.generation ?? 0)) {
    throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
  }
  if (!isInUse(pointer)) return { status: 'no-backup' }
  const tried = pin === undefined ? undefined : await tryPin(context, pointer.pointer, pin, state)
  if (tried !== undefined && tried.status !== 'recovered') return tried
  const secret = tried?.secret
  try {
    return await prove(context, { pointer, state, secret })
  } finally {
    if (secret !== undefined) wipe(secret.waySeed)
  }
}

async function prove(
  context: SyncContext,
  found: { readonly pointer: PointerInUse } & Pick<Known, 'state' | 'secret'>,
): Promise<Verified | { readonly status: 'pin-needed' }> {
  const { pointer, state, secret } = found
  if (secret === undefined && state?.generation === pointer.pointer.generation) {
    return verifyUnder(context, pointer, { root: state.root, state, opened: undefined, secret })
  }
  const opened = await openRoot(context, pointer.pointer, secret?.waySeed ?? context.device.waySeed)
  if (opened !== undefined) {
    return verifyUnder(context, pointer, { root: opened.root, state, opened, secret })
  }
  if (secret === undefined) return { status: 'pin-needed' }
  throw new KeyhavenError('ERR_LOG_INCOMPLETE', undefined)
}

interface Known {
  readonly root: Uint8Array
  readonly state: BackupState | undefined
  /** The slot that gave the root key; none when this device had it. */
  readonly opened: OpenedRoot | undefined
  readonly secret: RegisteredSecret | undefined
}

async function verifyUnder(context: SyncContext, pointer: PointerInUse, known: Known): Promise<Verified> {
  const { root, state, opened, secret } = known
  try {
    const absorbed = await readGeneration(context, pointer.pointer, root)
    const { account } = context
    const { authoritySeed } = absorbed.state
    requireSignedPointer(pointer.pointer, { account, authoritySeed, remembered: state })
    if (opened !== undefined) requireListed(absorbed, { ...opened, authority: pointer.authority })
    if (secret !== undefined) requireAnchor(absorbed, secret)
    if (state !== undefined) requireRemembered(absorbed, state)
    const { arranged, reading } = absorbed
    return describe({ pointer, arranged, reading, damage: undefined })
  } catch (fault) {
    if (!isDamage(fault)) throw fault
    const { arranged, reading, damage } = await surveyLog(context, pointer.pointer, root)
    return describe({ pointer, arranged, reading, damage: { ...damage, code: fault.code } })
  }
}

function describe(found: {
  readonly pointer: PointerInUse
  readonly arranged: { readonly fresh: readonly unknown[]; readonly heads: readonly string[] }
  readonly reading: LogReading
  readonly damage: (LogDamage & { readonly code: KeyhavenErrorCode }) | undefined
}): Verified {
  const { reading, arranged, damage } = found
  const { identity, conversation } = reading.changes
  const { newestWrittenAt } = reading
  return {
    status: damage === undefined ? 'whole' : 'damaged',
    generation: found.pointer.pointer.generation,
    segments: arranged.fresh.length,
    heads: arranged.heads,
    newest: newestWrittenAt === 0 ? undefined : new Date(newestWrittenAt * 1000).toISOString(),
    identityKeys: createKeyTable(identity).names().length,
    conversationKeys: createConversationIndex(...conversation).countNames(),
    damage,
  }
}
