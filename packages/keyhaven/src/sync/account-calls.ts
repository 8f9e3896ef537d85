/** The calls about the account itself: its devices, its number, its access log. */
import type { OperationInput } from './key-sync-input.ts'
import {
  changePhone,
  dismissNotices,
  listDevices,
  readAccessHistory,
  readNotices,
  removeDevice,
  renameDevice,
} from './operations.ts'
import type { AccessHistory, AccessHistoryInput } from './operations/access-history.ts'
import type { PhoneChange } from './operations/change-phone.ts'
import type { RemovalOutcome, SyncDevice } from './operations/devices.ts'
import type { Notices } from './operations/notices.ts'
import type { Run } from './run-operation.ts'

export interface AccountCalls {
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
}

/** The calls, each an operation of its own. */
export function createAccountCalls(run: Run): AccountCalls {
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
