/**
 * What the person behind this device should be told: wrong PINs, new devices and changes of the account that other
 * devices made, since he was told last. All of it comes from the verified access log.
 */
import { toHex } from '../../crypto/index.ts'
import { readAccessHistoryAfter } from './access-history.ts'
import type { AccessEvent } from './access-history.ts'
import type { SyncContext } from '../steps/context.ts'

export type NoticeKind =
  /** A realm counted an attempt with a PIN, and the right PIN did not follow; also one that is under way just now. */
  | 'wrong-pin'
  /** Somebody showed a wrong sign-in code for this account's number. */
  | 'wrong-code'
  /** A device signed in for the first time. */
  | 'new-device'
  | 'device-removed'
  | 'phone-changed'
  /** The PIN was changed; the server has the word of the device that did so. */
  | 'pin-changed'
  /** The PIN was registered anew, as each restore does, and by that device's word it is the same. One that lies could have set another. */
  | 'pin-renewed'
  /** Somebody without the backup's key wants it deleted or replaced; that is done after a wait, which `keepBackup` ends. */
  | 'deletion-waiting'
  | 'backup-deleted'
  /** A device without the backup asks its trusted contacts to open it; they can after a wait, in which `contacts.stop` ends it. */
  | 'contacts-asked'
  /** A trusted contact gave his share to it. */
  | 'contacts-answered'
  /** The trusted contacts were set or removed. */
  | 'contacts-changed'

/** One thing to tell. */
export interface Notice {
  readonly kind: NoticeKind
  readonly event: AccessEvent
}

export interface Notices {
  /** Oldest first. */
  readonly notices: readonly Notice[]
  /** What `dismissNotices` takes once they were shown. */
  readonly upTo: number
}

/** Kinds by type of event; a type that is not here is no news. */
const KINDS: Readonly<Record<string, NoticeKind>> = {
  device_added: 'new-device',
  device_removed: 'device-removed',
  phone_changed: 'phone-changed',
  pin_changed: 'pin-changed',
  pointer_moved: 'pin-renewed',
  registration_challenged: 'deletion-waiting',
  removal_requested: 'deletion-waiting',
  backup_deleted: 'backup-deleted',
  contacts_asked: 'contacts-asked',
  contacts_answered: 'contacts-answered',
  contacts_changed: 'contacts-changed',
}

/** Notices of other devices' doings. The first call of a device gives none: what was before it is in the access log. */
export async function readNotices(context: SyncContext): Promise<Notices> {
  const { accessLog, device } = context
  const after = accessLog.noticed()
  if (after === 0) return beginNotices(context)
  const events = await readAccessHistoryAfter(context, after)
  const own = toHex(device.id)
  const others = events.filter(({ deviceId }) => deviceId !== own)
  return {
    notices: others.flatMap((event) => describe(event, others)),
    upTo: events.at(-1)?.sequence ?? after,
  }
}

/** Takes notices up to a row as shown. */
export async function dismissNotices(context: SyncContext, upTo: number): Promise<void> {
  context.accessLog.noteNoticed(upTo)
  await context.vault.write(new Map([context.accessLog.keep()]))
}

async function beginNotices(context: SyncContext): Promise<Notices> {
  const events = await readAccessHistoryAfter(context, context.accessLog.newest()?.sequence ?? 0)
  const upTo = events.at(-1)?.sequence ?? context.accessLog.newest()?.sequence ?? 0
  await dismissNotices(context, upTo)
  return { notices: [], upTo }
}

function describe(event: AccessEvent, events: readonly AccessEvent[]): readonly Notice[] {
  const { type, success } = event
  if (type === 'guess_used' && !wasRight(event, events)) return [{ kind: 'wrong-pin', event }]
  if (type === 'signed_in' && !success) return [{ kind: 'wrong-code', event }]
  if (type === 'pointer_moved' && isExplained(event, events)) return []
  const kind = success ? KINDS[type] : undefined
  return kind === undefined ? [] : [{ kind, event }]
}

/** True when a row beside it, of the same commit, says that the PIN was changed, or that this is the first backup. */
function isExplained(move: AccessEvent, events: readonly AccessEvent[]): boolean {
  return events.some(
    ({ sequence, type }) =>
      (sequence === move.sequence + 1 && type === 'pin_changed') ||
      (sequence === move.sequence - 1 && type === 'backup_created'),
  )
}

/** True when the device's next step at the realm was to get its share, which takes the right PIN. */
function wasRight(guess: AccessEvent, events: readonly AccessEvent[]): boolean {
  const next = events.find(
    ({ sequence, deviceId, type }) =>
      sequence > guess.sequence &&
      deviceId === guess.deviceId &&
      (type === 'guess_used' || type === 'share_recovered'),
  )
  return next?.type === 'share_recovered'
}
