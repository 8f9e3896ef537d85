/**
 * Key sync as an app sees it: back up, restore, replace, status, over a transport and a vault.
 */
import { createAccountCalls } from './account-calls.ts'
import type { AccountCalls } from './account-calls.ts'
import { checkConfiguration } from '../recovery/configuration.ts'
import type { Configuration } from '../recovery/index.ts'
import { createContactCalls } from './contact-calls.ts'
import type { ContactCalls } from './contact-calls.ts'
import type { Everything } from './operations/export-everything.ts'
import { openKeyStore } from './device/key-store.ts'
import type { KeyStore } from './device/key-store.ts'
import type { KeySyncOptions, OperationInput, OptionalPinInput, PinInput } from './key-sync-input.ts'
import {
  backUp,
  changePin,
  checkPin,
  deleteAccount,
  deleteBackup,
  exportEverything,
  forgetPin,
  keepBackup,
  moveRealms,
  readNextPinReminder,
  readStatus,
  replace,
  restore,
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
} from './outcomes.ts'
import type { PinReminder } from './operations/pin-reminder.ts'
import { createRunners, relyOn } from './run-operation.ts'
import { createWayCalls } from './way-calls.ts'
import type { WayCalls } from './way-calls.ts'

export interface KeySync extends PinReminder, AccountCalls, WayCalls {
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
    ...createAccountCalls(run),
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
    ...createWayCalls(run),
    contacts: createContactCalls(run),
    status: (input = {}) => run(input, readStatus),
  }
}
