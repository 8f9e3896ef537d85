/** The calls about ways in beside the PIN: recovery codes, kits, passkeys, and a device at hand. */
import type { OperationInput } from './key-sync-input.ts'
import {
  acceptLink,
  addKit,
  addPasskey,
  addRecoveryCode,
  listWays,
  offerLink,
  removeWay,
  restoreWithCode,
  restoreWithKit,
  restoreWithPasskey,
} from './operations.ts'
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
import type { WayRestoreOutcome } from './outcomes.ts'
import type { Run } from './run-operation.ts'

export interface WayCalls {
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
}

/** The calls, each an operation of its own. */
export function createWayCalls(run: Run): WayCalls {
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
