/**
 * What the access log can say: its types and their fixed texts (docs/protocol.md, "Access log").
 */
import type { RefusalCode } from '../http/refusal.ts'
import { Refusal } from '../http/refusal.ts'

const DONE = {
  code_requested: 'A sign-in code was requested.',
  signed_in: 'A device signed in.',
  session_refreshed: 'A session was continued.',
  signed_out: 'A device signed out.',
  device_added: 'A device signed in for the first time.',
  phone_changed: 'The phone number of the account was changed.',
  device_renamed: 'A device was given another name.',
  device_removed: 'A device was removed.',
  realm_token_issued: 'A device was admitted to the realms.',
  registration_started: 'A change of the PIN registration was begun.',
  registration_abandoned: 'A change of the PIN registration was given up.',
  registration_stored: 'A realm stored a PIN registration.',
  registration_deleted: 'A PIN registration was deleted.',
  registration_challenged:
    'Somebody who is signed in wants to replace or delete a PIN registration without the backup’s key; a realm waits before it does.',
  registration_kept:
    'The backup’s key ended the wait before a PIN registration would be replaced or deleted.',
  guess_used: 'A realm counted an attempt with a PIN.',
  share_recovered: 'A realm handed out its share after the right PIN.',
  recovery_refused: 'A realm refused an attempt.',
  backup_created: 'A backup was created.',
  backup_updated: 'Sealed keys were added to the backup.',
  keys_accessed: 'Sealed keys were downloaded.',
  keys_restored: 'The device reported that it restored keys.',
  pointer_moved: 'The PIN registration in use was changed.',
  pin_changed: 'The device reported that the PIN was changed.',
  root_rotated: 'The root key of the backup was changed.',
  log_shortened: 'The backup was put together anew, and older parts of it were dropped.',
  removal_requested:
    'Somebody who is signed in asked, without the backup’s key, to have it deleted or replaced; that is done after a wait.',
  removal_cancelled: 'The wait before the backup would be deleted was ended by its owner.',
  contacts_changed: 'The trusted contacts of the backup were set or removed.',
  contacts_asked:
    'Somebody who is signed in asked the trusted contacts to open the backup; they can answer after a wait.',
  contacts_vetoed: 'A device that has the backup stopped what was asked of the trusted contacts.',
  contacts_answered: 'A trusted contact answered.',
  backup_deleted: 'The backup was deleted.',
  account_deleted: 'The account was closed.',
} as const

export type AccessLogType = keyof typeof DONE

/** One thing to write down. `code` is a refusal's code; what was done has none. */
export interface AccessEvent {
  readonly type: AccessLogType
  readonly success: boolean
  readonly code: RefusalCode | 'REPORTED_BY_CLIENT' | null
  readonly message: string
}

/** The event of something that was done. */
export function done(type: AccessLogType): AccessEvent {
  return { type, success: true, code: null, message: DONE[type] }
}

/** The event of something that was refused. */
export function refused(type: AccessLogType, code: RefusalCode): AccessEvent {
  return { type, success: false, code, message: new Refusal(code).message }
}

/** The event of what a client says of itself; the server cannot know it. */
export function reportedRestore(report: {
  readonly success: boolean
  readonly identityKeys: number
  readonly conversationKeys: number
}): AccessEvent {
  const message = report.success
    ? `The device reported that it restored ${String(report.identityKeys)} identity keys and ${String(report.conversationKeys)} conversation keys.`
    : 'The device reported that it could not restore the keys.'
  return { type: 'keys_restored', success: report.success, code: 'REPORTED_BY_CLIENT', message }
}

/** The event of a registration that was replaced by one under another PIN; to the server they are all alike. */
export function reportedPinChange(): AccessEvent {
  return { ...done('pin_changed'), code: 'REPORTED_BY_CLIENT' }
}

/** The event of a deletion at realms that may be other operators'; the server has only the client's word for it. */
export function reportedDeletion(): AccessEvent {
  return {
    type: 'registration_deleted',
    success: true,
    code: 'REPORTED_BY_CLIENT',
    message: 'The device reported that every realm deleted an old PIN registration.',
  }
}
