/**
 * The calls that QryptChat published for its cross-device key synchronisation, over {@link createKeySync}.
 *
 * Keys are standard base64 here, or bytes. `deviceFingerprint` is a label from the past and is not used: a device is
 * known by a random id in its vault. Outcomes and faults both come back as a result with `success` and `status`;
 * mistakes of the program are thrown as they are everywhere.
 */
import { parseBase64, toBase64, toHex } from '../crypto/index.ts'
import { isKeyhavenError } from '../errors.ts'
import type { KeyhavenErrorCode } from '../errors.ts'
import type { Vault } from '../vault/index.ts'
import { openDevice } from './device/device.ts'
import { openKeyStore } from './device/key-store.ts'
import type { KeyStore } from './device/key-store.ts'
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
  | (SyncStatus & { readonly success: true; readonly status: 'checked' })
  | (CompatFailure & { readonly hasBackup?: undefined })

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
  readonly #open: () => Promise<KeySync>
  #opened: Promise<KeySync> | undefined

  /** Takes a key sync, or what one is made of, or what gives one when it is first needed. */
  constructor(source: KeySync | KeySyncOptions | (() => Promise<KeySync>)) {
    if (typeof source === 'function') {
      this.#open = source
      return
    }
    const keySync = 'transport' in source ? createKeySync(source) : source
    this.#open = () => Promise.resolve(keySync)
  }

  /** Checks that this device's keys can be read; `ERR_VAULT_LOCKED` otherwise, `ERR_SIGNED_OUT` when nobody is signed in. */
  async initialize(): Promise<void> {
    await (await this.#keySync()).keys.listKeys()
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
      const keySync = await this.#keySync()
      if (!isSignedInAs(keySync, input.phoneNumber)) return failure('wrong-phone')
      await keySync.keys.importKeys({
        identityKeys: parseKeys(input.identityKeys, 'identityKeys'),
        conversationKeys: parseKeys(input.conversationKeys, 'conversationKeys'),
      })
      const outcome = await keySync.backup({ pin: input.pin })
      if (outcome.status === 'backed-up') return { success: true, ...outcome }
      return describe(outcome)
    })
  }

  /** Restores this account's keys and gives all that are on this device then. */
  async restoreKeys(...[phone, pin]: RestoreArguments): Promise<CompatRestored | CompatFailure> {
    return answer(async () => {
      const keySync = await this.#keySync()
      if (!isSignedInAs(keySync, phone)) return failure('wrong-phone')
      const outcome = await keySync.restore({ pin })
      if (outcome.status !== 'restored') return describe(outcome)
      const { identityKeys, conversationKeys } = await keySync.keys.exportKeys()
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
      const keySync = await this.#keySync()
      if (phone !== undefined && !isSignedInAs(keySync, phone)) return failure('wrong-phone')
      return { success: true, status: 'checked', ...(await keySync.status()) }
    })
  }

  /** One for all calls; what failed is tried again. */
  async #keySync(): Promise<KeySync> {
    this.#opened ??= this.#open()
    try {
      return await this.#opened
    } catch (fault) {
      this.#opened = undefined
      throw fault
    }
  }
}

/** What {@link createCompat} binds QryptChat's names to. */
export interface CompatOptions<Client> {
  /** Gives the key sync of whoever is signed in to the app's client; called when it is first needed. */
  readonly connect: (client: Client) => Promise<KeySync>
  /** This device's vault, unlocked. */
  readonly vault: Vault
}

export interface Compat<Client> {
  readonly KeySyncService: new (client: Client) => KeySyncService
  readonly EncryptedKeyBackup: { readonly generateDeviceFingerprint: () => Promise<string> }
  readonly keyManager: KeyManager
}

/** The keys on this device, by QryptChat's names; standard base64. */
export interface KeyManager {
  readonly hasUserKeys: () => Promise<boolean>
  readonly getUserKeys: () => Promise<Readonly<Record<string, string>>>
  readonly importUserKeys: (keys: CompatKeys) => Promise<void>
  readonly getAllConversationKeys: () => Promise<Readonly<Record<string, string>>>
  readonly storeConversationKey: (conversation: string, key: string | Uint8Array) => Promise<void>
}

/** QryptChat's three names over a vault and a client of the app, such as one of supabase-js. */
export function createCompat<Client>({ connect, vault }: CompatOptions<Client>): Compat<Client> {
  return {
    KeySyncService: class extends KeySyncService {
      constructor(client: Client) {
        super(() => connect(client))
      }
    },
    // The vault's own random id: stable, and nothing of the device is in it.
    EncryptedKeyBackup: {
      generateDeviceFingerprint: async () => toHex((await openDevice(vault)).id),
    },
    keyManager: createKeyManager(openKeyStore(vault)),
  }
}

function createKeyManager(keys: KeyStore): KeyManager {
  return {
    hasUserKeys: async () => Object.keys((await keys.exportKeys()).identityKeys).length > 0,
    getUserKeys: async () => writeKeys((await keys.exportKeys()).identityKeys),
    importUserKeys: async (identityKeys) => {
      await keys.importKeys({
        identityKeys: parseKeys(identityKeys, 'identityKeys'),
        conversationKeys: {},
      })
    },
    getAllConversationKeys: async () => writeKeys((await keys.exportKeys()).conversationKeys),
    storeConversationKey: async (conversation, key) => {
      const conversationKeys = parseKeys({ [conversation]: key }, 'conversationKeys')
      await keys.importKeys({ identityKeys: {}, conversationKeys })
    },
  }
}

/** Compares the digits: people write a number in many ways. */
function isSignedInAs({ phone }: KeySync, asked: string): boolean {
  const digits = (number: string): string => number.normalize('NFKC').replace(/\D/g, '')
  return digits(asked) === digits(phone)
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
