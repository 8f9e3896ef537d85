/**
 * What back-up, restore and status come to, as values. What is thrown instead is a fault with a code.
 */
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
}

export interface BackedUp {
  readonly status: 'backed-up'
  /** True when this made the account's first backup. */
  readonly created: boolean
  /** True when this device joined a backup that was there. */
  readonly joined: boolean
  /** How many identities and conversations have a key on this device, and so in the backup. */
  readonly identityKeys: number
  readonly conversationKeys: number
  /** Names of identities that have two different keys; the one that this device had first stays in use. */
  readonly identityConflicts: readonly string[]
  /** How many segments were sent. */
  readonly uploaded: number
  readonly generation: number
  /** Ids of realms on which a registration that is out of use still lies; tried again at each backup. */
  readonly oldRegistrationRemainsOn: readonly string[]
}

export type BackupOutcome =
  | BackedUp
  /** A first backup, or this device has not joined the one that is there. */
  | { readonly status: 'pin-needed' }
  | WrongPin
  | Locked
  | Waiting

export interface Restored {
  readonly status: 'restored'
  /** How many identities and conversations have a key on this device now. */
  readonly identityKeys: number
  readonly conversationKeys: number
  readonly identityConflicts: readonly string[]
  readonly generation: number
  /** False when this device could not be added to the backup's ways in yet; the next backup does it. */
  readonly deviceAdded: boolean
  /** False when the registration could not be renewed: then the old one stays as it was, with the same PIN. */
  readonly renewed: boolean
  /** Ids of realms on which a registration that is out of use still lies; tried again at each backup. */
  readonly oldRegistrationRemainsOn: readonly string[]
}

export type RestoreOutcome = Restored | WrongPin | Locked | Waiting | { readonly status: 'no-backup' }

/** A new generation of the backup, under a new root key. */
export interface Changed extends Omit<BackedUp, 'status' | 'created' | 'joined'> {
  /** `pin-changed`: only the new PIN opens the backup now. `rotated`: the PIN is the same. */
  readonly status: 'pin-changed' | 'rotated'
}

export type ChangeOutcome = Changed | { readonly status: 'no-backup' }

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

export type BackupRemovalOutcome =
  /** `remainsOn`: ids of realms that could not be reached, or that wait still; the next call tries them again. */
  { readonly status: 'deleted'; readonly remainsOn: readonly string[] } | RemovalWaiting

export type AccountRemovalOutcome =
  | { readonly status: 'account-deleted'; readonly remainsOn: readonly string[] }
  /** The backup is deleted, the account is not closed: without it nobody could delete what remains. */
  | { readonly status: 'remains'; readonly remainsOn: readonly string[] }
  | RemovalWaiting

export type FreshStartOutcome = BackupOutcome | RemovalWaiting
