/**
 * The operations of key sync, each loaded when it is called: a page starts with the session and the keys on this device,
 * and most of the code is for what happens rarely.
 */
import type * as AccessHistory from './operations/access-history.ts'
import type * as AccessLogRecord from './transport/access-log-record.ts'
import type * as Backup from './operations/backup.ts'
import type * as ChangeGeneration from './operations/change-generation.ts'
import type * as ChangePhone from './operations/change-phone.ts'
import type * as Contacts from './operations/contacts.ts'
import type * as Devices from './operations/devices.ts'
import type * as ExportEverything from './operations/export-everything.ts'
import type * as Levels from './levels.ts'
import type * as MoveRealms from './operations/move-realms.ts'
import type * as OpenConfiguration from './operations/open-configuration.ts'
import type * as Notices from './operations/notices.ts'
import type * as PinReminder from './operations/pin-reminder.ts'
import type * as Removal from './operations/removal.ts'
import type * as Restore from './operations/restore.ts'
import type * as Status from './operations/status.ts'
import type * as Synchronise from './operations/synchronise.ts'
import type * as Verify from './operations/verify.ts'
import type * as WaysChange from './operations/ways-change.ts'
import type * as WithLink from './operations/with-link.ts'
import type * as WithKit from './operations/with-kit.ts'
import type * as WithPasskey from './operations/with-passkey.ts'
import type * as WithCode from './operations/with-recovery-code.ts'
import { loadModule } from '../load-module.ts'

export const backUp: typeof Backup.backUp = async (...input) =>
  (await loadModule(import('./operations/backup.ts'))).backUp(...input)

export const changePhone: typeof ChangePhone.changePhone = async (...input) =>
  (await loadModule(import('./operations/change-phone.ts'))).changePhone(...input)

export const changePin: typeof ChangeGeneration.changePin = async (...input) =>
  (await loadModule(import('./operations/change-generation.ts'))).changePin(...input)

export const checkPin: typeof PinReminder.checkPin = async (...input) =>
  (await loadModule(import('./operations/pin-reminder.ts'))).checkPin(...input)

export const comparePin: typeof Levels.comparePin = async (...input) =>
  (await loadModule(import('./levels.ts'))).comparePin(...input)

export const deleteAccount: typeof Removal.deleteAccount = async (...input) =>
  (await loadModule(import('./operations/removal.ts'))).deleteAccount(...input)

export const deleteBackup: typeof Removal.deleteBackup = async (...input) =>
  (await loadModule(import('./operations/removal.ts'))).deleteBackup(...input)

export const dismissNotices: typeof Notices.dismissNotices = async (...input) =>
  (await loadModule(import('./operations/notices.ts'))).dismissNotices(...input)

export const dropStaleVerifier: typeof PinReminder.dropStaleVerifier = async (...input) =>
  (await loadModule(import('./operations/pin-reminder.ts'))).dropStaleVerifier(...input)

export const exportEverything: typeof ExportEverything.exportEverything = async (...input) =>
  (await loadModule(import('./operations/export-everything.ts'))).exportEverything(...input)

export const forgetPin: typeof PinReminder.forgetPin = async (...input) =>
  (await loadModule(import('./operations/pin-reminder.ts'))).forgetPin(...input)

export const keepBackup: typeof Removal.keepBackup = async (...input) =>
  (await loadModule(import('./operations/removal.ts'))).keepBackup(...input)

export const listDevices: typeof Devices.listDevices = async (...input) =>
  (await loadModule(import('./operations/devices.ts'))).listDevices(...input)

export const moveKeys: typeof Levels.moveKeys = async (...input) =>
  (await loadModule(import('./levels.ts'))).moveKeys(...input)

export const moveRealms: typeof MoveRealms.moveRealms = async (...input) =>
  (await loadModule(import('./operations/move-realms.ts'))).moveRealms(...input)

export const openAccessLogKnowledge: typeof AccessLogRecord.openAccessLogKnowledge = async (...input) =>
  (await loadModule(import('./transport/access-log-record.ts'))).openAccessLogKnowledge(...input)

/**
 * Opens a signed realm configuration: verifies it by the pinned key, refuses one that is older than this device has seen,
 * and says at which of its realms the backup is. `ERR_CONFIGURATION_REJECTED` with the reason, `ERR_CONFIGURATION_INVALID`
 * for a document that is none; nothing was taken over then. Of two sets of the same realms with other thresholds, a device
 * that has not joined takes the newer. Throws also what a request throws.
 */
export const openConfiguration: typeof OpenConfiguration.openConfiguration = async (...input) =>
  (await loadModule(import('./operations/open-configuration.ts'))).openConfiguration(...input)

export const readAccessHistory: typeof AccessHistory.readAccessHistory = async (...input) =>
  (await loadModule(import('./operations/access-history.ts'))).readAccessHistory(...input)

export const readNextPinReminder: typeof PinReminder.readNextPinReminder = async (...input) =>
  (await loadModule(import('./operations/pin-reminder.ts'))).readNextPinReminder(...input)

export const readNotices: typeof Notices.readNotices = async (...input) =>
  (await loadModule(import('./operations/notices.ts'))).readNotices(...input)

export const readStatus: typeof Status.readStatus = async (...input) =>
  (await loadModule(import('./operations/status.ts'))).readStatus(...input)

export const rememberPin: typeof PinReminder.rememberPin = async (...input) =>
  (await loadModule(import('./operations/pin-reminder.ts'))).rememberPin(...input)

export const removeDevice: typeof Devices.removeDevice = async (...input) =>
  (await loadModule(import('./operations/devices.ts'))).removeDevice(...input)

export const renameDevice: typeof Devices.renameDevice = async (...input) =>
  (await loadModule(import('./operations/devices.ts'))).renameDevice(...input)

export const replace: typeof Backup.replace = async (...input) =>
  (await loadModule(import('./operations/backup.ts'))).replace(...input)

export const restore: typeof Restore.restore = async (...input) =>
  (await loadModule(import('./operations/restore.ts'))).restore(...input)

export const rotate: typeof ChangeGeneration.rotate = async (...input) =>
  (await loadModule(import('./operations/change-generation.ts'))).rotate(...input)

export const startFresh: typeof Removal.startFresh = async (...input) =>
  (await loadModule(import('./operations/removal.ts'))).startFresh(...input)

export const synchronise: typeof Synchronise.synchronise = async (...input) =>
  (await loadModule(import('./operations/synchronise.ts'))).synchronise(...input)

export const verifyBackup: typeof Verify.verifyBackup = async (...input) =>
  (await loadModule(import('./operations/verify.ts'))).verifyBackup(...input)

export const listWays: typeof WaysChange.listWays = async (...input) =>
  (await loadModule(import('./operations/ways-change.ts'))).listWays(...input)

export const removeWay: typeof WaysChange.removeWay = async (...input) =>
  (await loadModule(import('./operations/ways-change.ts'))).removeWay(...input)

export const addRecoveryCode: typeof WithCode.addRecoveryCode = async (...input) =>
  (await loadModule(import('./operations/with-recovery-code.ts'))).addRecoveryCode(...input)

export const restoreWithCode: typeof WithCode.restoreWithCode = async (...input) =>
  (await loadModule(import('./operations/with-recovery-code.ts'))).restoreWithCode(...input)

export const addKit: typeof WithKit.addKit = async (...input) =>
  (await loadModule(import('./operations/with-kit.ts'))).addKit(...input)

export const restoreWithKit: typeof WithKit.restoreWithKit = async (...input) =>
  (await loadModule(import('./operations/with-kit.ts'))).restoreWithKit(...input)

export const offerLink: typeof WithLink.offerLink = async (...input) =>
  (await loadModule(import('./operations/with-link.ts'))).offerLink(...input)

export const acceptLink: typeof WithLink.acceptLink = async (...input) =>
  (await loadModule(import('./operations/with-link.ts'))).acceptLink(...input)

export const addPasskey: typeof WithPasskey.addPasskey = async (...input) =>
  (await loadModule(import('./operations/with-passkey.ts'))).addPasskey(...input)

export const restoreWithPasskey: typeof WithPasskey.restoreWithPasskey = async (...input) =>
  (await loadModule(import('./operations/with-passkey.ts'))).restoreWithPasskey(...input)

/** Those of trusted contacts, all at once. */
export const loadContacts = async (): Promise<typeof Contacts> =>
  loadModule(import('./operations/contacts.ts'))
