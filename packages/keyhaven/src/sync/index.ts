/**
 * Keys across devices: back up and restore over a log of sealed segments, with a phone number and a PIN.
 */
export type { AccessEvent, AccessHistory, AccessHistoryInput } from './access-history.ts'
export type { Progress } from './context.ts'
export type { PhoneChange } from './change-phone.ts'
export type { Notice, NoticeKind, Notices } from './notices.ts'
export type { RemovalOutcome, SyncDevice } from './devices.ts'
export type { Everything } from './export-everything.ts'
export { createKeySync } from './key-sync.ts'
export type { KeySync } from './key-sync.ts'
export type { KeySyncOptions, OperationInput, OptionalPinInput, PinInput } from './key-sync-input.ts'
export { openKeyStore } from './key-store.ts'
export type { ConversationKey, KeySet, KeyStore, ListedKey } from './key-store.ts'
export type {
  AccountRemovalOutcome,
  BackedUp,
  BackupOutcome,
  BackupRemovalOutcome,
  ChangeOutcome,
  Changed,
  FreshStartOutcome,
  KeysHere,
  ListedDevice,
  Locked,
  LogDamage,
  MoveOutcome,
  Moved,
  RemovalWaiting,
  RestoreOutcome,
  Restored,
  SyncOutcome,
  SyncStatus,
  Synced,
  Verified,
  VerifyOutcome,
  Waiting,
  WayRestoreOutcome,
  WrongPin,
} from './outcomes.ts'
export { findPinRefusal, normalizePin } from '../strength/index.ts'
export type { PinCheck, PinReminder } from './pin-reminder.ts'
export { openSession, requestSignInCode, signIn } from './session.ts'
export type { Session, SessionRequest } from './session.ts'
export type { Answer, Fetch } from './transport/exchange.ts'
export { httpTransport } from './transport/http.ts'
export type {
  CommitRequest,
  ExportedAccount,
  KeySyncTransport,
  LogHeads,
  LogPage,
  Pointer,
  PointerState,
  RemovalAnswer,
  RemovalRequest,
  RemovedBackup,
  Requester,
  WaitingRemoval,
} from './transport/transport.ts'
export type { ListedWay, WayRemovalOutcome } from './ways-change.ts'
export type { RecoveryCodeOutcome } from './with-recovery-code.ts'
export type { KitOutcome, KitRestoreOutcome } from './with-kit.ts'
export type { LinkAcceptInput, LinkAcceptOutcome, LinkOfferInput, LinkOfferOutcome } from './with-link.ts'
