/**
 * Keys across devices: back up and restore over a log of sealed segments, with a phone number and a PIN.
 */
export type { Pointer } from './format/pointer.ts'
export type { AccessEvent, AccessHistory, AccessHistoryInput } from './operations/access-history.ts'
export type { ContactCalls } from './contact-calls.ts'
export type { ContactIdentity, OwnIdentity } from './format/contact-share.ts'
export type { AnswerOutcome, AskedOfMe } from './operations/contact-asked.ts'
export type {
  ContactRequest,
  ContactsInput,
  ContactsOutcome,
  ContactsRemovalOutcome,
  NewContact,
  TrustedContacts,
} from './operations/set-contacts.ts'
export type { AskContactsOutcome, AskedContacts, ContactRestoreOutcome } from './operations/with-contacts.ts'
export type { Progress } from './steps/context.ts'
export type { PhoneChange } from './operations/change-phone.ts'
export type { Notice, NoticeKind, Notices } from './operations/notices.ts'
export type { RemovalOutcome, SyncDevice } from './operations/devices.ts'
export type { Everything } from './operations/export-everything.ts'
export { createKeySync } from './key-sync.ts'
export type { KeySync } from './key-sync.ts'
export type { KeySyncOptions, OperationInput, OptionalPinInput, PinInput } from './key-sync-input.ts'
export { openConfiguration } from './operations.ts'
export type { OpenConfigurationInput, OpenedConfiguration } from './operations/open-configuration.ts'
export { openKeyStore } from './device/key-store.ts'
export type { ConversationKey, KeySet, KeyStore, ListedKey } from './device/key-store.ts'
export type {
  AccountRemovalOutcome,
  BackedUp,
  BackupOutcome,
  BackupRemovalOutcome,
  ChangeOutcome,
  Changed,
  FreshStartOutcome,
  KeysHere,
  LeftBehind,
  ListedDevice,
  Locked,
  LogDamage,
  MoveOutcome,
  Moved,
  RemovalWaiting,
  RestoreOutcome,
  Restored,
  StillThere,
  SyncOutcome,
  SyncStatus,
  Synced,
  Verified,
  VerifyOutcome,
  Waiting,
  WayRestoreOutcome,
  WrongPin,
} from './outcomes.ts'
export { deriveLevel } from './format/level.ts'
export { comparePin, moveKeys } from './operations.ts'
export type { KeysMoveInput, KeysMoveOutcome } from './levels.ts'
export { findPinRefusal, normalizePin } from '../strength/index.ts'
export type { PinCheck, PinReminder } from './operations/pin-reminder.ts'
export { openSession, requestSignInCode, signIn, signInWithToken } from './transport/session.ts'
export type { Session, SessionRequest } from './transport/session.ts'
export type { Answer, Fetch } from './transport/exchange.ts'
export { httpTransport } from './transport/http.ts'
export type {
  CommitRequest,
  ExportedAccount,
  KeySyncTransport,
  LogHeads,
  LogPage,
  PointerState,
  RemovalAnswer,
  RemovalRequest,
  RemovedBackup,
  Requester,
  WaitingRemoval,
} from './transport/transport.ts'
export type { ListedWay, WayRemovalOutcome } from './operations/ways-change.ts'
export type { RecoveryCodeOutcome } from './operations/with-recovery-code.ts'
export type { PasskeyOutcome, PasskeyRestoreOutcome, PasskeyWay } from './operations/with-passkey.ts'
export type { KitOutcome, KitRestoreOutcome } from './operations/with-kit.ts'
export type {
  LinkAcceptInput,
  LinkAcceptOutcome,
  LinkOfferInput,
  LinkOfferOutcome,
} from './operations/with-link.ts'
