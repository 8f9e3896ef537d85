/** A passkey as a way in: made on this page, used on any device that it is synchronised to. Pages only. */
import { wipe } from '../../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { derivePasskeySecret, makePasskey } from '../../vault/protection/passkey-ceremony.ts'
import type { CeremonyOptions, NamedPasskey } from '../../vault/protection/passkey-ceremony.ts'
import type { SyncContext } from '../steps/context.ts'
import { readOpenBackup } from '../steps/open-backup.ts'
import { derivePasskeyInput, describePasskeySeed } from '../format/passkey-way.ts'
import type { WayRestoreOutcome } from '../outcomes.ts'
import { restoreWithSeed } from './restore.ts'
import { addSeededWay } from './ways-change.ts'

/** What the browser shows, and for which site. */
export type PasskeyWay = Omit<CeremonyOptions, 'signal'>

export type PasskeyOutcome =
  | {
      readonly status: 'added'
      /** 32 hex digits. */
      readonly wayId: string
    }
  | { readonly status: 'no-backup' }
  /** The person declined, or the moment passed. Nothing was added. */
  | { readonly status: 'cancelled' }

export type PasskeyRestoreOutcome = WayRestoreOutcome | { readonly status: 'cancelled' }

/** Makes a passkey and lists its way in. Nobody is asked before it is known that this device can add one. */
export async function addPasskey(
  context: SyncContext,
  { label, ...way }: PasskeyWay & { readonly label: string },
): Promise<PasskeyOutcome> {
  const { pointer, state } = await readOpenBackup(context)
  if (pointer === undefined) return { status: 'no-backup' }
  if (state === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
  const seed = await unlessCancelled(async () => {
    const passkey = await makePasskey(withSignal(context, way), { discoverable: true })
    return deriveSeed(context, way, passkey)
  })
  if (seed === undefined) return { status: 'cancelled' }
  try {
    const added = await addSeededWay(context, { type: 'passkey', label, seed })
    return added === undefined ? { status: 'no-backup' } : { status: 'added', wayId: added.id }
  } finally {
    wipe(seed)
  }
}

/** Restores with a passkey that the person chooses, or that is named. */
export async function restoreWithPasskey(
  context: SyncContext,
  way: Omit<PasskeyWay, 'userName' | 'siteName'>,
): Promise<PasskeyRestoreOutcome> {
  const { credentialId } = way
  const named = credentialId && { credentialId, transports: [] }
  const seed = await unlessCancelled(() => deriveSeed(context, way, named))
  if (seed === undefined) return { status: 'cancelled' }
  try {
    return await restoreWithSeed(context, seed)
  } finally {
    wipe(seed)
  }
}

async function deriveSeed(
  context: SyncContext,
  way: Omit<PasskeyWay, 'userName'>,
  passkey: NamedPasskey | undefined,
): Promise<Uint8Array> {
  const { account } = context
  const asked = { passkey, prfInput: derivePasskeyInput(account), info: describePasskeySeed(account) }
  return derivePasskeySecret(withSignal(context, way), asked)
}

function withSignal<T>({ signal }: SyncContext, way: T): T & { readonly signal?: AbortSignal } {
  return { ...way, ...(signal && { signal }) }
}

async function unlessCancelled<T>(ceremony: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ceremony()
  } catch (fault) {
    if (!isKeyhavenError(fault, 'ERR_PASSKEY_UNAVAILABLE')) throw fault
    if (!['cancelled', 'timed-out'].includes(fault.details.reason)) throw fault
    return undefined
  }
}
