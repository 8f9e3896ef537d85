/**
 * What back-up, restore and status come to, as values. What is thrown instead is a fault with a code.
 */
import type { KeyhavenErrorCode } from '../errors.ts'
import type { Reliance } from '../recovery/index.ts'
import type { WaitingRemoval } from './transport/transport.ts'

export interface WrongPin {
  readonly status: 'wrong-pin'
  readonly guessesRemaining: number
}

/** The realms destroyed their shares after too many wrong PINs. Devices that have joined still open the backup. */
export interface Locked {
  readonly status: 'locked'
}

/**
 * After the third wrong PIN and each further one the realms take the next only after a while: 1, 5, 15 minutes, 1, 4, 12,
 * 24 hours. The PIN was not tried and no guess was used.
 */
export interface Waiting {
  readonly status: 'waiting'
  /** By this device's clock; ISO 8601. */
  readonly until: string
  readonly retryAfterSeconds: number
  /** There when a device that has joined, and need not wait, has to: its clock and a realm's are minutes apart. */
  readonly clockIsWrong?: true
}

/** What an outcome says about the keys on this device. */
export interface KeysHere {
  /** How many identities and conversations have a key on this device now. */
  readonly identityKeys: number
  readonly conversationKeys: number
  /** Names of identities that have two different keys; the one that this device had first stays in use. */
  readonly identityConflicts: readonly string[]
}

/** What lies about at realms although it is out of use; each backup and synchronisation tries again to delete it. */
export interface LeftBehind {
  /** Ids of the realms on which a registration that is out of use still lies, or may where the server could not be asked. */
  readonly oldRegistrationRemainsOn: readonly string[]
  /** There when a realm did not take this device's signature for its time: the clocks are minutes apart. */
  readonly clockIsWrong?: true
}

export interface BackedUp extends KeysHere, LeftBehind {
  readonly status: 'backed-up'
  /** True when this made the account's first backup. */
  readonly created: boolean
  /** True when this device joined a backup that was there. */
  readonly joined: boolean
  /** How many segments were sent. */
  readonly uploaded: number
  readonly generation: number
}

export type BackupOutcome =
  | BackedUp
  /** A first backup, or this device has not joined the one that is there. */
  | { readonly status: 'pin-needed' }
  | WrongPin
  | Locked
  | Waiting

/** Device and backup have what the other had. */
export interface Synced extends Omit<BackedUp, 'status' | 'created' | 'joined'> {
  readonly status: 'synced'
  /** True when the backup had something that this device had not. */
  readonly received: boolean
}

export type SyncOutcome =
  | Synced
  /** There is no backup yet; the first one needs a new PIN. */
  | { readonly status: 'no-backup' }
  /** This device has not joined the backup, or was removed from it; its PIN lets it in. */
  | { readonly status: 'pin-needed' }

export interface Restored extends KeysHere, LeftBehind {
  readonly status: 'restored'
  readonly generation: number
  /** False when this device could not be added to the backup's ways in yet; the next backup does it. */
  readonly deviceAdded: boolean
  /** False when the registration could not be renewed: then the old one stays as it was, with the same PIN. */
  readonly renewed: boolean
  /** What was left out of a damaged backup, with `allowDamaged`; the backup itself stays damaged until it is replaced. */
  readonly skipped: LogDamage | undefined
}

/** What of a log could not be used. */
export interface LogDamage {
  /** Segments that were served and do not open, or are not what they should be. */
  readonly unopened: number
  /** Segments that others name and that were not served. */
  readonly missing: number
}

/** What is in the backup, by everything that opens. */
export interface Verified {
  readonly status: 'whole' | 'damaged'
  readonly generation: number
  /** Of this generation. */
  readonly segments: number
  /** Ids in hex. */
  readonly heads: readonly string[]
  /** When the newest segment was written, by its writer's clock; ISO 8601. */
  readonly newest: string | undefined
  /** How many identities and conversations have a key in the backup. */
  readonly identityKeys: number
  readonly conversationKeys: number
  /** With `damaged`: what is the matter; `code` is what a restore would throw. */
  readonly damage: (LogDamage & { readonly code: KeyhavenErrorCode }) | undefined
}

export type VerifyOutcome =
  | Verified
  | { readonly status: 'no-backup' }
  /** This device has not joined the backup: only the PIN opens it here. */
  | { readonly status: 'pin-needed' }
  | WrongPin
  | Locked
  | Waiting

export type RestoreOutcome = Restored | WrongPin | Locked | Waiting | { readonly status: 'no-backup' }

/** Restoring without the PIN. */
export type WayRestoreOutcome =
  | Restored
  | { readonly status: 'no-backup' }
  /** This way in was removed, or belongs to another account. */
  | { readonly status: 'unknown-way' }

/** A new generation of the backup, under a new root key. */
export interface Changed extends Omit<BackedUp, 'status' | 'created' | 'joined'> {
  /** `pin-changed`: only the new PIN opens the backup now. `rotated`: the PIN is the same. */
  readonly status: 'pin-changed' | 'rotated'
}

/** `wrong-pin`, `locked` and `waiting` only where a PIN is checked. */
export type ChangeOutcome = Changed | { readonly status: 'no-backup' } | WrongPin | Locked | Waiting

/** The backup relies on other realms now: pass their configuration to {@link createKeySync} from now on. */
export interface Moved extends Omit<Changed, 'status'> {
  readonly status: 'moved'
}

export type MoveOutcome = Moved | { readonly status: 'no-backup' } | WrongPin | Locked | Waiting

/** A device that the backup lists as a way in. */
export interface ListedDevice {
  /** 32 hex digits. */
  readonly wayId: string
  readonly label: string
  readonly thisDevice: boolean
}

export interface SyncStatus {
  readonly hasBackup: boolean
  /** True when this device has the backup's root key, or a way in to that of a newer generation. */
  readonly joined: boolean
  /** 0 without a backup. */
  readonly generation: number
  /** Stored segments and their bytes, those of older generations included. */
  readonly segments: number
  readonly bytes: number
  /** When the newest segment that this device knows was written, by its writer's clock; ISO 8601. */
  readonly lastChange: string | undefined
  /** True when the server has nothing that this device lacks, and the other way round. */
  readonly upToDate: boolean
  /** On this device. */
  readonly identityKeys: number
  readonly conversationKeys: number
  /** Ids of the realms that the backup relies on. */
  readonly realms: readonly string[]
  /** Those of this device's configuration: who runs them, and how many of them would have to collude. */
  readonly reliance: Reliance
  /** The devices that the backup is sealed to, as this device last read it. */
  readonly devices: readonly ListedDevice[]
  /** When the root key in use was made, by the clock of the device that made it; ISO 8601. */
  readonly generationBegun: string | undefined
  /** True when `rotateAfterDays` is set and over; the next synchronisation rotates. */
  readonly rotationDue: boolean
  /**
   * How many guesses the realms had left at the last wrong PIN that this device tried. Unknown without one since the last
   * right PIN here, and blind to what was tried elsewhere: the realms tell nobody who does not spend a guess.
   */
  readonly guesses: { readonly remaining: number; readonly asOf: string } | undefined
  /** Somebody asked, without the authority key, to have the backup deleted; `keepBackup` ends the wait. */
  readonly removal: WaitingRemoval | undefined
}

/** A deletion without the backup's authority key waits; the same call again carries it out when the wait is over. */
export interface RemovalWaiting {
  readonly status: 'waiting'
  /** By the server's clock; ISO 8601. Any device that has joined, and a restore, ends it. */
  readonly until: string
  /** Ids of realms whose own wait could not be begun; asked again by the next call. */
  readonly notBegunOn: readonly string[]
}

/** What of a deleted backup still lies at realms. */
export interface StillThere {
  /** Ids of realms that could not be reached, or that wait still; the next call tries them again. */
  readonly remainsOn: readonly string[]
  /** As in {@link LeftBehind}. */
  readonly clockIsWrong?: true
}

export type BackupRemovalOutcome = ({ readonly status: 'deleted' } & StillThere) | RemovalWaiting

export type AccountRemovalOutcome =
  | ({ readonly status: 'account-deleted' } & StillThere)
  /** The backup is deleted, the account is not closed: without it nobody could delete what remains. */
  | ({ readonly status: 'remains' } & StillThere)
  | RemovalWaiting

export type FreshStartOutcome = BackupOutcome | RemovalWaiting
