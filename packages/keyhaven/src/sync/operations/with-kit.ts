/** The recovery kit as a way in: made under a passphrase, used to restore without the PIN. */
import { randomBytes, wipe } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import { estimatePassword } from '../../vault/protection/password-strength.ts'
import type { SyncContext } from '../steps/context.ts'
import { openKit, sealKit } from '../format/kit-file.ts'
import type { WayRestoreOutcome } from '../outcomes.ts'
import { restoreWithSeed } from './restore.ts'
import { addSeededWay } from './ways-change.ts'

export type KitOutcome =
  | {
      readonly status: 'added'
      /** 32 hex digits. */
      readonly wayId: string
      /** An armored age file. */
      readonly file: string
    }
  | { readonly status: 'no-backup' }

export type KitRestoreOutcome =
  | WayRestoreOutcome
  /** The passphrase is wrong, or the file was altered. */
  | { readonly status: 'rejected' }

/** Makes a kit, and lists its way in. `ERR_PASSWORD_REFUSED` for a passphrase that is easy to guess, before anything is done. */
export async function addKit(
  context: SyncContext,
  { passphrase, label }: { readonly passphrase: string; readonly label: string },
): Promise<KitOutcome> {
  const { weakness } = await estimatePassword(passphrase)
  if (weakness !== undefined) throw new KeyhavenError('ERR_PASSWORD_REFUSED', { reason: weakness })
  const seed = randomBytes(32)
  try {
    const { accountId, origin } = context.transport
    // Sealed first: it takes much memory, and where that is not there no way may be listed that nobody has.
    const file = await sealKit({ account: accountId, server: origin, seed }, passphrase, context)
    const added = await addSeededWay(context, { type: 'kit', label, seed })
    return added === undefined ? { status: 'no-backup' } : { status: 'added', wayId: added.id, file }
  } finally {
    wipe(seed)
  }
}

/** Restores with a kit. */
export async function restoreWithKit(
  context: SyncContext,
  { file, passphrase }: { readonly file: string; readonly passphrase: string },
): Promise<KitRestoreOutcome> {
  const kit = await openKit(file, passphrase, context)
  if (kit === undefined) return { status: 'rejected' }
  try {
    if (kit.account !== context.transport.accountId) return { status: 'unknown-way' }
    return await restoreWithSeed(context, kit.seed)
  } finally {
    wipe(kit.seed)
  }
}
