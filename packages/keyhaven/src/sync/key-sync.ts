/**
 * Key sync as an app sees it: back up, restore, replace, status, over a transport and a vault.
 */
import { checkConfiguration } from '../recovery/configuration.ts'
import type { Configuration } from '../recovery/index.ts'
import { createContactCalls } from './contact-calls.ts'
import type { ContactCalls } from './contact-calls.ts'
import type { AccessHistory, AccessHistoryInput } from './operations/access-history.ts'
import type { PhoneChange } from './operations/change-phone.ts'
import type { RemovalOutcome, SyncDevice } from './operations/devices.ts'
import type { Everything } from './operations/export-everything.ts'
import { openKeyStore } from './device/key-store.ts'
import type { KeyStore } from './device/key-store.ts'
import type { KeySyncOptions, OperationInput, OptionalPinInput, PinInput } from './key-sync-input.ts'
import type { Notices } from './operations/notices.ts'
import {
  acceptLink,
  addKit,
  addPasskey,
  addRecoveryCode,
  backUp,
  changePhone,
  changePin,
  checkPin,
  deleteAccount,
  deleteBackup,
  dismissNotices,
  exportEverything,
  forgetPin,
  keepBackup,
  listDevices,
  listWays,
  moveRealms,
  offerLink,
  readAccessHistory,
  readNextPinReminder,
  readNotices,
  readStatus,
  removeDevice,
  removeWay,
  renameDevice,
  replace,
  restore,
  restoreWithCode,
  restoreWithKit,
  restoreWithPasskey,
  rotate,
  startFresh,
  synchronise,
  verifyBackup,
} from './operations.ts'
import type {
  AccountRemovalOutcome,
  BackupOutcome,
  BackupRemovalOutcome,
  ChangeOutcome,
  FreshStartOutcome,
  MoveOutcome,
  RestoreOutcome,
  SyncOutcome,
  SyncStatus,
  VerifyOutcome,
  WayRestoreOutcome,
} from './outcomes.ts'
import type { PinReminder } from './operations/pin-reminder.ts'
import { createRunners, relyOn } from './run-operation.ts'
import type { Run } from './run-operation.ts'
import type { ListedWay, WayRemovalOutcome } from './operations/ways-change.ts'
import type { KitOutcome, KitRestoreOutcome } from './operations/with-kit.ts'
import type {
  LinkAcceptInput,
  LinkAcceptOutcome,
  LinkOfferInput,
  LinkOfferOutcome,
} from './operations/with-link.ts'
import type { PasskeyOutcome, PasskeyRestoreOutcome, PasskeyWay } from './operations/with-passkey.ts'
import type { RecoveryCodeOutcome } from './operations/with-recovery-code.ts'

export interface KeySync extends PinReminder {
  /** The account's UUID; another one for each level of a person. */
  readonly accountId: string
  /** The phone number of the signed-in account, E.164. */
  readonly phone: string
  /** The keys on this device. */
  readonly keys: KeyStore
  /**
   * Brings the backup up to date with this device, and this device with the backup. A first backup and joining one that
   * is there need its PIN; after that none is needed. A PIN that is given is always checked. Nothing changed: nothing sent.
   */
  backup(input?: OptionalPinInput): Promise<BackupOutcome>
  /**
   * Brings this device and the backup up to date with one another: what an app calls when it starts, and after it added or
   * removed keys. It never asks for a PIN, and never makes or joins a backup.
   */
  sync(input?: OperationInput): Promise<SyncOutcome>
  /**
   * Brings the backup's keys to this device. Nothing local changes before all of it has been verified. With `allowDamaged`
   * whatever is whole of a damaged backup comes, and the outcome says what was left out; a server that hides something
   * looks just so.
   */
  restore(input: PinInput & { readonly allowDamaged?: boolean }): Promise<RestoreOutcome>
  /**
   * Replaces the backup by this device's keys under a new PIN and a new root key; the old PIN opens nothing then. Only a
   * device that has joined can: else `ERR_AUTHORITY_REQUIRED`. Without a backup it makes the first one. With `allowDamaged`
   * a backup that is damaged is replaced too, and what does not open of it is given up.
   */
  replaceBackup(input: PinInput & { readonly allowDamaged?: boolean }): Promise<BackupOutcome>
  /**
   * Makes `pin` the backup's PIN, under a new root key; the old PIN, which is not asked for, opens nothing then. Other
   * devices follow by themselves. Only a device that has joined can: else `ERR_AUTHORITY_REQUIRED`. When it throws, the
   * old PIN is still the one, unless the server could not be reached at the very end: the next operation finds out.
   */
  changePin(input: PinInput): Promise<ChangeOutcome>
  /**
   * Puts the backup under a new root key, sealed to every way in that is listed: what an old root key opened is out of
   * use. Needs no PIN and leaves it as it is. Only a device that has joined can: else `ERR_AUTHORITY_REQUIRED`. Until the
   * registration is renewed, by a restore or by a rotation that is given the PIN, a lying server can show a fresh device
   * the backup as it was before. A wrong PIN costs a guess and changes nothing.
   */
  rotate(input?: OptionalPinInput): Promise<ChangeOutcome>
  /**
   * Moves the backup to the realms of `configuration`; this object relies on them from then on. The PIN stays and is
   * checked with the realms in use; with `isNewPin` it is not, and becomes the PIN. Fewer realms or lower thresholds need
   * `allowWeaker`: else `ERR_CONFIGURATION_INVALID`. Other devices follow once their app has the new configuration.
   */
  moveRealms(
    input: PinInput & {
      readonly configuration: Configuration
      readonly isNewPin?: boolean
      readonly allowWeaker?: boolean
    },
  ): Promise<MoveOutcome>
  /**
   * Proves that the backup is whole: reads and opens everything, as a restore does, and writes nothing. What is damaged is an
   * outcome here, not a fault. With `pin` it proves also that the PIN opens it; a wrong one costs a guess.
   */
  verifyBackup(input?: OptionalPinInput): Promise<VerifyOutcome>
  /**
   * What other devices did that the person should be told of: wrong PINs and sign-in codes, new and removed devices, a changed
   * phone number; since {@link dismissNotices}, or since this device first asked. Throws what `getAccessHistory` throws.
   */
  getNotices(input?: OperationInput): Promise<Notices>
  /** Takes the notices up to `upTo` as shown on this device. */
  dismissNotices(upTo: number): Promise<void>
  /**
   * Changes the account's phone number to one that `requestSignInCode` had a code sent to; answers it in E.164. Of this level alone. From a device that
   * has joined the backup, if there is one: else `ERR_AUTHORITY_REQUIRED`. `ERR_PHONE_TAKEN` when another account has the number.
   */
  changePhone(input: OperationInput & PhoneChange): Promise<string>
  /** The account's devices: those that the server knows, and those that the backup lists as ways in. */
  listDevices(input?: OperationInput): Promise<readonly SyncDevice[]>
  /** Gives a device another name of 1 to 64 characters; false when there is no such device. */
  renameDevice(input: OperationInput & { readonly id: string; readonly label: string }): Promise<boolean>
  /**
   * Removes a device: the server ends its sessions at once, and a new root key is sealed to every way in but its own. Only
   * a device that has joined the backup can remove another: else `ERR_AUTHORITY_REQUIRED`. A device that removes itself
   * keeps its keys, is signed out, and needs the PIN to come back.
   */
  removeDevice(input: OperationInput & { readonly id: string }): Promise<RemovalOutcome>
  /**
   * The account's access log, newest first, page by page: what was done with the backup, from where, and what was refused.
   * Verified as far as any of the account's devices has seen it; of what came after that, the server can leave rows out.
   * `ERR_ACCESS_LOG_TRUNCATED` when rows are missing, `ERR_ACCESS_LOG_ALTERED` when one is not what it was.
   */
  getAccessHistory(input?: OperationInput & AccessHistoryInput): Promise<AccessHistory>
  /**
   * Deletes the backup at the server and at its realms, and says which of these could not be reached; the next call tries them
   * again. This device's keys stay. A device that has joined does it at once, any other after a wait (`waiting`).
   */
  deleteBackup(input?: OperationInput): Promise<BackupRemovalOutcome>
  /**
   * Deletes the backup and closes the account: its access log stays, without names and addresses; the phone number goes. With a realm
   * out of reach it stops before closing (`remains`), unless `leaveRegistrations` is set.
   */
  deleteAccount(
    input?: OperationInput & { readonly leaveRegistrations?: boolean },
  ): Promise<AccountRemovalOutcome>
  /**
   * Replaces a backup that nobody can open any more, since the PIN is forgotten and no device is left, by this device's keys under a
   * new PIN. The first call begins the wait, a call after it needs the PIN and carries it out. `keepBackup`, and a restore, end it.
   */
  startFresh(input?: OptionalPinInput): Promise<FreshStartOutcome>
  /**
   * Ends the wait of somebody who wants the backup deleted or replaced. Only a device that has joined can: else
   * `ERR_AUTHORITY_REQUIRED`.
   */
  keepBackup(input?: OperationInput): Promise<{ readonly status: 'kept' | 'nothing-waits' }>
  /**
   * Everything about this person that the server and this device hold, as one object that JSON can hold. The private keys are in
   * it only with `reveal`. Changes nothing.
   */
  exportEverything(input?: OperationInput & { readonly reveal?: boolean }): Promise<Everything>
  /**
   * Every way in that the backup has: the PIN, devices, recovery codes, kits, passkeys, trusted contacts. Only a device that has joined can tell: else
   * `ERR_AUTHORITY_REQUIRED`.
   */
  listWays(input?: OperationInput): Promise<readonly ListedWay[]>
  /**
   * Removes a recovery code, a kit or a passkey: a new root key that is not sealed to it. What an old copy of the backup held stays
   * readable to whoever has both.
   */
  removeWay(input: OperationInput & { readonly id: string }): Promise<WayRemovalOutcome>
  /**
   * Makes a recovery code of 130 bits, which restores without the PIN. It is in this answer and nowhere else: show it once,
   * to be written down. Whoever has it and can sign in opens the backup.
   */
  addRecoveryCode(input?: OperationInput & { readonly label?: string }): Promise<RecoveryCodeOutcome>
  /**
   * As `restore`, with a recovery code: no guess is counted. `ERR_RECOVERY_CODE_INVALID` for a text that is none. Give the
   * backup a PIN again by `changePin`. A fresh device cannot tell an older state of the backup by a code alone.
   */
  restoreWithCode(input: OperationInput & { readonly code: string }): Promise<WayRestoreOutcome>
  /**
   * Makes a recovery kit: an age file under a passphrase, which restores without the PIN and which the plain `age` program
   * opens. `ERR_PASSWORD_REFUSED` for a passphrase that is easy to guess: whoever has the file tries as many as he likes.
   */
  addKit(
    input: OperationInput & { readonly passphrase: string; readonly label?: string },
  ): Promise<KitOutcome>
  /** As `restore`, with a kit and its passphrase. `ERR_ENVELOPE_MALFORMED` for a file that is no kit. */
  restoreWithKit(
    input: OperationInput & { readonly file: string; readonly passphrase: string },
  ): Promise<KitRestoreOutcome>
  /**
   * Makes a passkey that restores without the PIN wherever it is synchronised to, after the authenticator has verified its
   * user; asks the person twice. Pages only. `ERR_PASSKEY_UNAVAILABLE` tells by `reason` why there is none.
   */
  addPasskey(input: OperationInput & PasskeyWay & { readonly label?: string }): Promise<PasskeyOutcome>
  /**
   * As `restore`, with a passkey that the person chooses among the site's, or the one that `credentialId` names. What a
   * recovery code cannot tell, a passkey cannot either. `ERR_PASSKEY_UNAVAILABLE` as above.
   */
  restoreWithPasskey(
    input?: OperationInput & Omit<PasskeyWay, 'userName' | 'siteName'>,
  ): Promise<PasskeyRestoreOutcome>
  /**
   * Offers this device, which is signed in, to one that has the backup open and is at hand; restores once it is let in. No
   * PIN. By a code that the other device scans, or by six digits that both show and both people confirm. One try, five
   * minutes. `ERR_LINK_FORGED` when somebody stands between.
   */
  offerLink(input: OperationInput & LinkOfferInput): Promise<LinkOfferOutcome>
  /** The other side of it, on a device that has joined: else `ERR_AUTHORITY_REQUIRED`. */
  acceptLink(input: OperationInput & LinkAcceptInput): Promise<LinkAcceptOutcome>
  /** People who together open the backup for a new device: m of k, after a wait. */
  readonly contacts: ContactCalls
  /** How the backup and this device stand. Changes nothing. */
  status(input?: OperationInput): Promise<SyncStatus>
}

/**
 * Makes a key sync. `ERR_CONFIGURATION_INVALID` and the other codes of a configuration at once; `ERR_PIN_REFUSED` for a
 * new PIN that breaks the policy, before anything is changed, and for a text that no PIN looks like; `ERR_ACCOUNT_MISMATCH` when the vault belongs to another account.
 */
export function createKeySync(options: KeySyncOptions): KeySync {
  checkConfiguration(options.configuration)
  const relied = { options }
  const { run, withPin, withNewPin, withOptionalPin } = createRunners(relied)
  return {
    accountId: options.transport.accountId,
    phone: options.transport.phone,
    keys: openKeyStore(options.vault),
    checkPin: (pin) => checkPin(options.vault, pin, options.argon2id),
    nextPinReminder: () => readNextPinReminder(options.vault),
    forgetPin: () => forgetPin(options.vault),
    backup: (input = {}) => withOptionalPin(input, backUp),
    sync: (input = {}) => run(input, synchronise),
    verifyBackup: (input = {}) => withOptionalPin(input, verifyBackup),
    restore: ({ allowDamaged = false, ...input }) =>
      withPin(input, (context, pin) => restore(context, { pin, allowDamaged })),
    replaceBackup: ({ allowDamaged = false, ...input }) =>
      withNewPin(input, (context, pin) => replace(context, { pin, allowDamaged })),
    changePin: (input) => withNewPin(input, changePin),
    rotate: (input = {}) => withOptionalPin(input, rotate),
    moveRealms: ({ configuration, isNewPin = false, allowWeaker = false, ...input }) =>
      (isNewPin ? withNewPin : withPin)(input, async (context, pin) => {
        const outcome = await moveRealms(context, pin, { configuration, isNewPin, allowWeaker })
        if (outcome.status === 'moved') relied.options = relyOn(relied.options, configuration)
        return outcome
      }),
    ...accountCalls(run),
    deleteBackup: (input = {}) => run(input, deleteBackup),
    deleteAccount: ({ leaveRegistrations = false, ...input } = {}) =>
      run(input, (context) => deleteAccount(context, { leaveRegistrations })),
    startFresh: ({ pin, ...input } = {}) =>
      pin === undefined
        ? run(input, (context) => startFresh(context, undefined))
        : withNewPin({ pin, ...input }, startFresh),
    keepBackup: (input = {}) => run(input, keepBackup),
    exportEverything: ({ reveal = false, ...input } = {}) =>
      run(input, (context) => exportEverything(context, { reveal })),
    ...wayCalls(run),
    contacts: createContactCalls(run),
    status: (input = {}) => run(input, readStatus),
  }
}

/** The calls about the account itself: its devices, its number, its access log. */
function accountCalls(
  run: Run,
): Pick<
  KeySync,
  | 'getNotices'
  | 'dismissNotices'
  | 'changePhone'
  | 'listDevices'
  | 'renameDevice'
  | 'removeDevice'
  | 'getAccessHistory'
> {
  return {
    getNotices: (input = {}) => run(input, readNotices),
    dismissNotices: (upTo) => run({}, (context) => dismissNotices(context, upTo)),
    changePhone: ({ phone, requestId, code, ...input }) =>
      run(input, (context) => changePhone(context, { phone, requestId, code })),
    listDevices: (input = {}) => run(input, listDevices),
    renameDevice: (input) => run(input, (context) => renameDevice(context, input)),
    removeDevice: (input) => run(input, (context) => removeDevice(context, input.id)),
    getAccessHistory: (input = {}) => run(input, (context) => readAccessHistory(context, input)),
  }
}

/** The calls about ways in beside the PIN and the devices. */
function wayCalls(
  run: Run,
): Pick<
  KeySync,
  | 'listWays'
  | 'removeWay'
  | 'addRecoveryCode'
  | 'restoreWithCode'
  | 'addKit'
  | 'restoreWithKit'
  | 'addPasskey'
  | 'restoreWithPasskey'
  | 'offerLink'
  | 'acceptLink'
> {
  return {
    listWays: (input = {}) => run(input, listWays),
    removeWay: ({ id, ...input }) => run(input, (context) => removeWay(context, id)),
    addRecoveryCode: ({ label = 'Recovery code', ...input } = {}) =>
      run(input, (context) => addRecoveryCode(context, label)),
    restoreWithCode: ({ code, ...input }) => run(input, (context) => restoreWithCode(context, code)),
    addKit: ({ passphrase, label = 'Recovery kit', ...input }) =>
      run(input, (context) => addKit(context, { passphrase, label })),
    restoreWithKit: ({ file, passphrase, ...input }) =>
      run(input, (context) => restoreWithKit(context, { file, passphrase })),
    addPasskey: ({ label = 'Passkey', ...input }) =>
      run(input, (context) => addPasskey(context, { ...input, label })),
    restoreWithPasskey: (input = {}) => run(input, (context) => restoreWithPasskey(context, input)),
    offerLink: (input) => run(input, (context) => offerLink(context, input)),
    acceptLink: (input) => run(input, (context) => acceptLink(context, input)),
  }
}
