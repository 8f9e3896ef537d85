/**
 * The calls that QryptChat published for its cross-device key synchronisation, over {@link createKeySync}.
 *
 * Keys are standard base64 here, or bytes. `deviceFingerprint` is a label from the past and is not used: a device is
 * known by a random id in its vault. Outcomes and faults both come back as a result with `success` and `status`;
 * mistakes of the program are thrown as they are everywhere.
 */
import { parseBase64, toBase64 } from '../crypto/index.ts'
import { isKeyhavenError } from '../errors.ts'
import type { KeyhavenErrorCode } from '../errors.ts'
import { createKeySync } from './key-sync.ts'
import type { KeySync } from './key-sync.ts'
import type { KeySyncOptions } from './key-sync-input.ts'
import type { BackedUp, BackupOutcome, RestoreOutcome, Restored, SyncStatus } from './outcomes.ts'

/** Keys by name: standard base64 with padding, or bytes. */
export type CompatKeys = Readonly<Record<string, string | Uint8Array>>

/** What each call gives when it did not succeed. */
export interface CompatFailure {
  readonly success: false
  /** `failed` is a fault: `code` names it. */
  readonly status: 'wrong-pin' | 'waiting' | 'locked' | 'pin-needed' | 'no-backup' | 'wrong-phone' | 'failed'
  /** A sentence for a person. */
  readonly error: string
  readonly code?: KeyhavenErrorCode
  readonly guessesRemaining?: number
  /** With `waiting`: when the PIN may be tried again; ISO 8601. */
  readonly until?: string
}

export type CompatBackup = (BackedUp & { readonly success: true }) | CompatFailure

export interface CompatRestored {
  readonly success: true
  readonly status: 'restored'
  readonly identityKeys: Readonly<Record<string, string>>
  readonly conversationKeys: Readonly<Record<string, string>>
}

/** Phone number, PIN, and a device fingerprint that is not used. */
export type RestoreArguments = readonly [phone: string, pin: string, deviceFingerprint?: string]

export type CompatStatus =
  (SyncStatus & { readonly success: true; readonly status: 'checked' }) | CompatFailure

const SENTENCES: Readonly<Record<CompatFailure['status'], string>> = {
  'wrong-pin': 'The PIN is wrong.',
  waiting: 'After several wrong PINs the next try has to wait.',
  locked: 'The PIN is locked after too many wrong tries.',
  'pin-needed': 'The PIN is needed.',
  'no-backup': 'There is no backup.',
  'wrong-phone': 'This device is signed in with another phone number.',
  failed: 'Something failed.',
}

/** Back up and restore by QryptChat's names. */
export class KeySyncService {
  readonly #keySync: KeySync

  /** Takes a key sync, or what one is made of. */
  constructor(keySyncOrOptions: KeySync | KeySyncOptions) {
    this.#keySync = 'transport' in keySyncOrOptions ? createKeySync(keySyncOrOptions) : keySyncOrOptions
  }

  /** Checks that this device's keys can be read; `ERR_VAULT_LOCKED` otherwise. */
  async initialize(): Promise<void> {
    await this.#keySync.keys.listKeys()
  }

  /** Puts the keys into this device's vault and backs them up. A known backup is joined or brought up to date. */
  async backupKeys(input: {
    readonly phoneNumber: string
    readonly pin: string
    readonly identityKeys: CompatKeys
    readonly conversationKeys: CompatKeys
    readonly deviceFingerprint?: string
  }): Promise<CompatBackup> {
    return answer(async () => {
      if (!this.#isSignedInAs(input.phoneNumber)) return failure('wrong-phone')
      await this.#keySync.keys.importKeys({
        identityKeys: parseKeys(input.identityKeys, 'identityKeys'),
        conversationKeys: parseKeys(input.conversationKeys, 'conversationKeys'),
      })
      const outcome = await this.#keySync.backup({ pin: input.pin })
      if (outcome.status === 'backed-up') return { success: true, ...outcome }
      return describe(outcome)
    })
  }

  /** Restores this account's keys and gives all that are on this device then. */
  async restoreKeys(...[phone, pin]: RestoreArguments): Promise<CompatRestored | CompatFailure> {
    return answer(async () => {
      if (!this.#isSignedInAs(phone)) return failure('wrong-phone')
      const outcome = await this.#keySync.restore({ pin })
      if (outcome.status !== 'restored') return describe(outcome)
      const { identityKeys, conversationKeys } = await this.#keySync.keys.exportKeys()
      return {
        success: true,
        status: 'restored',
        identityKeys: writeKeys(identityKeys),
        conversationKeys: writeKeys(conversationKeys),
      }
    })
  }

  /** Says whether there is a backup, and how this device stands to it. */
  async checkBackupStatus(phone?: string): Promise<CompatStatus> {
    return answer(async () => {
      if (phone !== undefined && !this.#isSignedInAs(phone)) return failure('wrong-phone')
      return { success: true, status: 'checked', ...(await this.#keySync.status()) }
    })
  }

  /** Compares the digits: people write a number in many ways. */
  #isSignedInAs(phone: string): boolean {
    const digits = (number: string): string => number.normalize('NFKC').replace(/\D/g, '')
    return digits(phone) === digits(this.#keySync.phone)
  }
}

async function answer<T>(work: () => Promise<T | CompatFailure>): Promise<T | CompatFailure> {
  try {
    return await work()
  } catch (fault) {
    if (!isKeyhavenError(fault)) throw fault
    return { success: false, status: 'failed', error: fault.message, code: fault.code }
  }
}

function failure(status: CompatFailure['status']): CompatFailure {
  return { success: false, status, error: SENTENCES[status] }
}

function describe(
  outcome: Exclude<BackupOutcome, BackedUp> | Exclude<RestoreOutcome, Restored>,
): CompatFailure {
  const said = failure(outcome.status)
  if (outcome.status === 'wrong-pin') return { ...said, guessesRemaining: outcome.guessesRemaining }
  return outcome.status === 'waiting' ? { ...said, until: outcome.until } : said
}

function parseKeys(keys: CompatKeys, field: string): Record<string, Uint8Array> {
  const parse = (key: string | Uint8Array): Uint8Array =>
    typeof key === 'string' ? parseBase64(key, field) : key
  return Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, parse(key)] as const))
}

function writeKeys(keys: Readonly<Record<string, Uint8Array>>): Record<string, string> {
  return Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, toBase64(key)]))
}
