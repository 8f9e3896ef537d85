/**
 * Changes what is registered (key-log.md, "one pointer, nothing overwritten"). Everything new is made beside what is in
 * use, journaled, uploaded unseen, registered at a subject of its own and got back once; then one signed commit moves
 * the pointer. Before it only the old registration is valid, after it only the new (a rotation keeps it); a crash before it leaves something
 * to abandon, a crash after it something to complete. A change that fails without a crash settles that at once, so that
 * the account's other devices need not wait for it.
 *
 * What a change consists of is made elsewhere: new-generation.ts, renew.ts.
 */
import { deriveEd25519PublicKey, parseHex, toHex } from '../../crypto/index.ts'
import { signPointerChange, signPointerStatement } from '../format/authority.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'
import { hashOutbox, keepOutbox } from '../device/outbox.ts'
import type { Outbox } from '../device/outbox.ts'
import { realmIds, registerAndCompare } from './registration.ts'
import { completeChange, sendOutbox } from './send.ts'
import { settle } from './settle.ts'
import { proveAnnouncement } from '../format/upload-proofs.ts'

/** A change that is ready to be carried out. */
export interface Change {
  readonly outbox: Outbox & { readonly registration: string }
  /** The authority key in use: it signs the change, and a new registration is bound to it. */
  readonly authoritySeed: Uint8Array
  /** The one that it hands the authority on to. */
  readonly newAuthoritySeed?: Uint8Array
  /** The id of the ways segment that the registration is to name, 32 bytes. */
  readonly anchor: Uint8Array
  readonly expectedEtag: string | null
  /** The pointer's serial after the change. */
  readonly serial: number
  /** The log's heads that the change follows, in hex. */
  readonly expectedHeads: readonly string[]
  /** The normalised PIN and the seed of its way in, both stay the caller's; none when the registration stays. */
  readonly registering: { readonly pin: Uint8Array; readonly waySeed: Uint8Array } | undefined
  /** True when that PIN takes the place of another one; the server and other devices have this device's word for it. */
  readonly newPin?: true | undefined
  /** The root key of the generation that ends, sealed under the next one's. */
  readonly previousRoot?: Uint8Array
}

/** The state after a change, and how many segments it took. */
export interface CarriedOut {
  readonly state: BackupState
  readonly uploaded: number
}

/**
 * Journals, uploads, registers and commits. When it throws, nothing has changed, unless the answer to the commit was
 * lost and the server cannot be asked either: then the next operation finds out.
 */
export async function carryOut(context: SyncContext, change: Change): Promise<CarriedOut> {
  const { outbox } = change
  const uploaded = outbox.segments.length
  await context.vault.write(keepOutbox(outbox))
  try {
    await prepare(context, change)
    await commit(context, change)
  } catch (fault) {
    const state = await settleAtOnce(context)
    if (state === undefined) throw fault
    return { state, uploaded }
  }
  return { state: await completeChange(context, outbox, change.serial), uploaded }
}

/** The state when the change turns out to be committed; `undefined` when it was given up, or nobody could be asked. */
async function settleAtOnce(context: SyncContext): Promise<BackupState | undefined> {
  try {
    const { completed, state } = await settle({ ...context, signal: undefined })
    return completed ? state : undefined
  } catch {
    return undefined
  }
}

async function prepare(context: SyncContext, change: Change): Promise<void> {
  const { outbox, expectedEtag, anchor, authoritySeed } = change
  const { registration, generation } = outbox
  const { account, device, transport, signal } = context
  const announced = { registration, generation, realms: realmIds(context), expectedEtag }
  const proof = proveAnnouncement({ account, seed: authoritySeed }, { ...announced, device: device.id })
  await transport.beginChange({ ...announced, proof }, signal)
  await sendOutbox(context, outbox, authoritySeed)
  if (change.registering === undefined) return
  const { pin, waySeed } = change.registering
  const secret = { waySeed, generation, anchor }
  await registerAndCompare(context, { registration, pin, secret, authoritySeed })
}

async function commit(context: SyncContext, change: Change): Promise<void> {
  const { expectedEtag, expectedHeads, anchor, serial, newAuthoritySeed } = change
  const { registration, generation } = change.outbox
  const { account } = context
  const { newPin } = change
  const newAuthority = newAuthoritySeed && deriveEd25519PublicKey(newAuthoritySeed)
  const { authority, signature } = signPointerChange(
    {
      account,
      registration: parseHex(registration, 'registration', 16),
      generation,
      expectedEtag,
      anchor,
      expectedHeads: expectedHeads.map((id) => parseHex(id, 'heads', 32)),
      newAuthority,
      newPin,
    },
    change.authoritySeed,
  )
  const moved = { registration, generation, serial, anchor: toHex(anchor), realms: realmIds(context) }
  const signed = {
    authority: toHex(authority),
    signature: toHex(signature),
    statement: signPointerStatement(moved, account, newAuthoritySeed ?? change.authoritySeed),
    ...(newAuthority && { newAuthority: toHex(newAuthority) }),
    ...(newPin && { newPin }),
  }
  const content = toHex(hashOutbox(change.outbox))
  const { previousRoot } = change
  const kept = previousRoot === undefined ? {} : { previousRoot: toHex(previousRoot) }
  await context.transport.commitChange(
    { registration, expectedEtag, expectedHeads, anchor: toHex(anchor), content, ...signed, ...kept },
    context.signal,
  )
}
