/**
 * The one error class of Keyhaven, and the one list of its codes.
 *
 * Outcomes that a caller must expect (a wrong PIN, a locked registration, no backup) are values; what is thrown
 * is a fault. Every field here is safe to log: enumerations, counts and public identifiers, never input, never
 * anything derived from a secret. Messages are looked up, not built, and no error carries a foreign `cause`.
 */

/** What each code carries. */
export interface KeyhavenErrorDetails {
  /** An argument has the wrong shape. Fix the call; nothing was done. */
  ERR_INPUT_INVALID: { readonly field: string; readonly expected: string }
  /** A setting is unknown or malformed. Correct the named setting and start again. */
  ERR_SETTING_INVALID: { readonly setting: string; readonly expected: string }
  /** A realm configuration breaks a rule of the protocol. Correct it; nothing was sent. */
  ERR_CONFIGURATION_INVALID: { readonly problem: string }
  /**
   * A signed realm configuration is not by the key that is pinned, is older than one that was in use here, or is another one
   * of the same count. Keep the realms that are in use, and ask whoever signs it; nothing was taken over.
   */
  ERR_CONFIGURATION_REJECTED: { readonly reason: 'signature' | 'older' | 'forked' }
  /** The configuration names a realm that needs the Noise transport, which is not spoken here. */
  ERR_REALM_UNSUPPORTED: { readonly realmId: string }
  /** A CBOR message is malformed: wrong shape, duplicate key, trailing bytes, or not canonical. */
  ERR_MESSAGE_MALFORMED: { readonly problem: string }
  /** Too few realms answered honestly and in time. Try again later; never offer a first backup now. */
  ERR_REALMS_UNAVAILABLE: { readonly realms: readonly RealmFault[] }
  /** All realms answered, and no registration has enough of them. Never offer a first backup now. */
  ERR_REGISTRATION_SPLIT: { readonly realms: readonly RealmFault[] }
  /** The registration was recovered, but what it holds does not open. Restore from another way in. */
  ERR_REGISTRATION_DAMAGED: undefined
  /** The operation was ended by its caller's signal. Nothing was left half done. */
  ERR_ABORTED: undefined
  /** Sealed bytes have the wrong length or an unknown version. They are damaged, or newer than this program. */
  ERR_ENVELOPE_MALFORMED: { readonly problem: 'length' | 'version' | 'parameters' }
  /** Wrong key, wrong purpose, or altered bytes. */
  ERR_ENVELOPE_REJECTED: undefined
  /** No Argon2id implementation could be loaded here. */
  ERR_ARGON2_UNAVAILABLE: undefined
  /** No scrypt implementation could be loaded here. */
  ERR_SCRYPT_UNAVAILABLE: undefined
  /** A vault operation needs an unlocked vault. Call `unlock` first. */
  ERR_VAULT_LOCKED: undefined
  /** There is no vault of this name in this storage. */
  ERR_VAULT_MISSING: undefined
  /** A vault of this name is there already. Open it, or choose another name; nothing was changed. */
  ERR_VAULT_EXISTS: undefined
  /** A vault was here, and the browser has deleted its storage. Restore from a backup, or make a new one knowingly. */
  ERR_VAULT_EVICTED: undefined
  /** The vault's parts pass their checksum but do not belong together: somebody changed them. */
  ERR_VAULT_TAMPERED: undefined
  /** The device key of this vault is gone. Unlock with another protection. */
  ERR_DEVICE_KEY_MISSING: undefined
  /**
   * The system's keychain failed. Unlock or start it and try again, install `@napi-rs/keyring`, or
   * open the vault with another protection. `no-entry` does not prove that the entry is gone: another keychain may be open.
   */
  ERR_KEYCHAIN_FAILED: { readonly fault: 'not-installed' | 'failed' | 'no-entry' }
  /** The device key's file is not fit for use; nothing was changed. */
  ERR_DEVICE_KEY_REFUSED: { readonly problem: 'permissions' | 'inside-the-vault' | 'damaged' }
  /** A passkey cannot protect a vault, or open a backup, here. `reason` tells why; offer another way. */
  ERR_PASSKEY_UNAVAILABLE: { readonly reason: PasskeyFault }
  /** The app asks for advised passwords only, and this is none. `reason` says what is against it. */
  ERR_PASSWORD_REFUSED: { readonly reason: 'short' | 'repeated' | 'sequence' | 'guessable' }
  /** The person, or the app for him, refused a request to use a key. */
  ERR_REQUEST_REFUSED: undefined
  /** The worker that holds the vault has ended or failed. Start it again and unlock again. */
  ERR_WORKER_FAILED: undefined
  /** The vault has no record of this name. */
  ERR_RECORD_MISSING: undefined
  /** The vault has a record of this name, and it was to be written only if there was none. Nothing was changed. */
  ERR_RECORD_EXISTS: undefined
  /** The vault has no such protection. */
  ERR_PROTECTION_MISSING: undefined
  /** The last protection cannot be removed, or nothing would open the vault. Add another one first. */
  ERR_PROTECTION_LAST: undefined
  /** The vault's stored bytes were changed, swapped, dropped or rolled back. */
  ERR_VAULT_DAMAGED: { readonly problem: string }
  /** What another system left is not in its format. Nothing was changed. */
  ERR_LEGACY_MALFORMED: { readonly problem: string }
  /** The key that another system left does not belong to the public key beside it. Nothing was changed. */
  ERR_LEGACY_MISMATCH: undefined
  /** Another process is writing to this vault and did not finish in time. Try again. */
  ERR_VAULT_BUSY: undefined
  /** The vault's storage failed. Nothing was changed. */
  ERR_STORAGE_FAILED: { readonly fault: string }
  /** The PIN breaks a rule for PINs; `reason` says which. Ask for another one; nothing was changed. */
  ERR_PIN_REFUSED: { readonly reason: PinRefusal }
  /** Somebody stands between the two devices that are being linked, or the other one does not keep the protocol. Begin again. */
  ERR_LINK_FORGED: undefined
  /** What was typed is no recovery code; `problem` says why. Nothing was tried: ask for it again. */
  ERR_RECOVERY_CODE_INVALID: { readonly problem: 'characters' | 'length' | 'check' }
  /** The phone number is none. */
  ERR_PHONE_INVALID: undefined
  /** Another account has this phone number. Sign in with it to see that account. */
  ERR_PHONE_TAKEN: undefined
  /** The address is plain http beyond loopback, or not an http(s) address. */
  ERR_INSECURE_TRANSPORT: undefined
  /** The server could not be reached or answered with a fault. */
  ERR_SERVER_UNAVAILABLE: {
    readonly fault: 'network' | 'timeout' | 'status' | 'body'
    readonly retryable: boolean
  }
  /** The server refused the request by a rule of its own; `rule` is the server's code. */
  ERR_SERVER_REFUSED: { readonly rule: string; readonly status: number }
  /** The session is not, or no longer, signed in. Sign in again. */
  ERR_SIGNED_OUT: undefined
  /** This device was removed from the account. It can sign in anew, and needs the PIN or another way in then. */
  ERR_DEVICE_REMOVED: undefined
  /** The sign-in code is wrong, used, or too old. */
  ERR_CODE_REJECTED: { readonly triesRemaining: number | undefined }
  /** Too many requests. Wait for the given number of seconds. */
  ERR_RATE_LIMITED: { readonly retryAfterSeconds: number }
  /** The pointer or the log moved while this device prepared its change. Synchronise and try again. */
  ERR_POINTER_CONFLICT: undefined
  /** The change needs the account's authority key, which only a device with the open backup has. */
  ERR_AUTHORITY_REQUIRED: undefined
  /** The server names a registration that the backup's key did not sign. Nothing was taken over. Ask the operator; try again. */
  ERR_POINTER_REJECTED: undefined
  /** The served log lacks what this device has seen before. Do not trust this server's answer. */
  ERR_LOG_ROLLED_BACK: undefined
  /** A segment names a parent that was not served. */
  ERR_LOG_INCOMPLETE: undefined
  /**
   * The server says that the backup was deleted after a wait, without its authority key. If the account's owner did that,
   * `deleteBackup` makes this device forget it and `backup` makes a new one; else do not trust this server's answer.
   */
  ERR_BACKUP_REMOVED: undefined
  /** One device sequence number has two segments. */
  ERR_LOG_FORKED: undefined
  /** The access log lacks rows that a device of this account has seen. Do not trust this server's account of what happened. */
  ERR_ACCESS_LOG_TRUNCATED: undefined
  /** A row of the access log is not what it was when the server signed it, or its chain key is another. The same. */
  ERR_ACCESS_LOG_ALTERED: undefined
  /** This device could not seal what was to be sent: its cryptography failed. Nothing was sent; start the app anew. */
  ERR_SEALING_FAILED: undefined
  /** The clock of this device is minutes off, so that a realm does not take its signatures. Set it, then try again. */
  ERR_CLOCK_WRONG: undefined
  /** A part of the app could not be loaded: offline, or deployed anew meanwhile. Nothing was begun; load the app anew. */
  ERR_MODULE_UNAVAILABLE: undefined
  /** A segment does not open, or its contents are malformed. */
  ERR_LOG_DAMAGED: { readonly problem: string }
  /** The backup was written by a newer version of Keyhaven. Update this client. */
  ERR_CLIENT_TOO_OLD: undefined
  /** This vault already belongs to another account or server. */
  ERR_ACCOUNT_MISMATCH: undefined
  /** Two different identity keys claim one name. Nothing was overwritten. */
  ERR_IDENTITY_CONFLICT: { readonly count: number }
  /** A server-side store, such as the database, is not reachable. */
  ERR_DATABASE_UNAVAILABLE: undefined
  /** The data directory is in use by a running server. */
  ERR_DATA_IN_USE: undefined
  /** The server cannot start; `problem` is a fixed sentence. */
  ERR_START_REFUSED: { readonly problem: string }
  /** The realm's journal cannot be read or written: mend its disk, its database or `KEYHAVEN_REALM_JOURNAL`, then try again. */
  ERR_JOURNAL_UNAVAILABLE: undefined
}

/** Which rule a PIN breaks: the first three mean that no PIN looks like this, the others are for new PINs only. */
export type PinRefusal =
  /** Fewer than 6 characters. */
  | 'too-short'
  /** More than 128 characters. */
  | 'too-long'
  /** Control characters or broken text. */
  | 'characters'
  /** Fewer than three different characters, or a block of up to four again and again. */
  | 'repeated'
  /** Made of runs: 123456, 456123, 147258, qwerty, abc123. */
  | 'sequence'
  /** Among the commonest PINs and passwords. */
  | 'common'
  /** Reads as a date. */
  | 'date'
  /** A part of the account's own phone number. */
  | 'phone-number'

/** Why a passkey cannot be made or used. */
export type PasskeyFault =
  /** This is no page, or its browser has no WebAuthn. */
  | 'no-webauthn'
  /** The page is neither https nor localhost. */
  | 'insecure-context'
  /** No authenticator here can verify its user. */
  | 'no-authenticator'
  /** The authenticator or the browser has no PRF extension. */
  | 'no-prf'
  /** The authenticator did not verify its user. */
  | 'not-verified'
  /** The passkey belongs to another site. */
  | 'other-site'
  /** The person declined. */
  | 'cancelled'
  /** The person did not answer in time. */
  | 'timed-out'
  /** Another passkey is being asked for on this page; when that has ended, ask again. */
  | 'pending'
  | 'unknown'

/** What one realm did wrong, by the realm's id (32 hex digits). */
export interface RealmFault {
  readonly realmId: string
  readonly fault: RealmFaultKind
  /** With `rate-limited` and `cooling`: when the realm may be asked again. */
  readonly retryAfterSeconds?: number
}

/** Every way in which a realm can fail to help. */
export type RealmFaultKind =
  | 'unreachable'
  /** No answer within the deadline, or none before the other realms sufficed. */
  | 'timeout'
  | 'unauthorized'
  | 'rate-limited'
  /** The registration is bound to another authority key; the realm deletes it once its cooling period is over. */
  | 'cooling'
  /** The realm did not take the authority key's proof: another key. */
  | 'proof-rejected'
  /** The realm did not take the authority key's proof: its clock and this device's are more than 300 s apart. */
  | 'clock-wrong'
  | 'refused'
  | 'garbage'
  | 'bad-proof'
  | 'bad-signature'
  | 'bad-counts'
  | 'bad-commitment'
  | 'other-version'
  | 'other-registration'
  | 'not-registered'
  | 'locked'

export type KeyhavenErrorCode = keyof KeyhavenErrorDetails

const MESSAGES: { readonly [C in KeyhavenErrorCode]: string } = {
  ERR_INPUT_INVALID: 'An argument has the wrong shape.',
  ERR_SETTING_INVALID: 'A setting is unknown or malformed.',
  ERR_CONFIGURATION_INVALID: 'The realm configuration is not valid.',
  ERR_CONFIGURATION_REJECTED: 'The realm configuration was rejected.',
  ERR_REALM_UNSUPPORTED: 'A realm needs a transport that is not supported.',
  ERR_MESSAGE_MALFORMED: 'A message is malformed.',
  ERR_REALMS_UNAVAILABLE: 'Too few realms answered; try again later.',
  ERR_REGISTRATION_SPLIT: 'The realms disagree about the registration.',
  ERR_REGISTRATION_DAMAGED: 'The PIN is right, but what the realms hold is damaged.',
  ERR_ABORTED: 'The operation was stopped by its caller.',
  ERR_ENVELOPE_MALFORMED: 'The sealed bytes are malformed.',
  ERR_ENVELOPE_REJECTED: 'The sealed bytes were rejected: wrong key or purpose, or altered.',
  ERR_ARGON2_UNAVAILABLE: 'No Argon2id implementation is available.',
  ERR_SCRYPT_UNAVAILABLE: 'No scrypt implementation is available.',
  ERR_VAULT_LOCKED: 'The vault is locked.',
  ERR_VAULT_MISSING: 'There is no such vault.',
  ERR_VAULT_EXISTS: 'There is such a vault already.',
  ERR_VAULT_EVICTED: 'The browser has deleted this vault.',
  ERR_VAULT_TAMPERED: 'The parts of the vault do not fit.',
  ERR_DEVICE_KEY_MISSING: 'The device key of the vault is gone.',
  ERR_KEYCHAIN_FAILED: "The system's keychain failed.",
  ERR_DEVICE_KEY_REFUSED: 'The file of the device key is not fit for use.',
  ERR_PASSKEY_UNAVAILABLE: 'A passkey cannot be used here.',
  ERR_PASSWORD_REFUSED: 'The password is too easy to guess.',
  ERR_REQUEST_REFUSED: 'The request to use the key was refused.',
  ERR_WORKER_FAILED: 'The worker that holds the vault has failed.',
  ERR_RECORD_MISSING: 'The vault has no such record.',
  ERR_RECORD_EXISTS: 'The vault has such a record already.',
  ERR_PROTECTION_MISSING: 'The vault has no such protection.',
  ERR_PROTECTION_LAST: 'The last protection of a vault cannot be removed.',
  ERR_VAULT_DAMAGED: 'The vault was changed from outside.',
  ERR_LEGACY_MALFORMED: 'What the other system left is malformed.',
  ERR_LEGACY_MISMATCH: 'The key and public key that the other system left do not fit.',
  ERR_VAULT_BUSY: 'Another process uses the vault.',
  ERR_STORAGE_FAILED: 'The storage failed; nothing was changed.',
  ERR_PIN_REFUSED: 'The PIN does not keep the rules.',
  ERR_LINK_FORGED: 'The link was not what the other device offered.',
  ERR_RECOVERY_CODE_INVALID: 'This is not a recovery code.',
  ERR_PHONE_INVALID: 'The phone number is not valid.',
  ERR_PHONE_TAKEN: 'Another account has this phone number.',
  ERR_INSECURE_TRANSPORT: 'Only https, or http to this machine itself, is allowed.',
  ERR_SERVER_UNAVAILABLE: 'The server is not available.',
  ERR_SERVER_REFUSED: 'The server refused the request.',
  ERR_SIGNED_OUT: 'This device is not signed in.',
  ERR_DEVICE_REMOVED: 'This device was removed from the account.',
  ERR_CODE_REJECTED: 'The sign-in code was not accepted.',
  ERR_RATE_LIMITED: 'Too many requests; wait and try again.',
  ERR_POINTER_CONFLICT: 'The backup changed meanwhile; synchronise and try again.',
  ERR_AUTHORITY_REQUIRED: 'Only a device that has the backup open can do this.',
  ERR_POINTER_REJECTED: 'The server named a registration that is not signed.',
  ERR_LOG_ROLLED_BACK: 'The server showed an older backup than before.',
  ERR_LOG_INCOMPLETE: 'A part of the backup is missing on the server.',
  ERR_BACKUP_REMOVED: 'The backup was deleted without its key.',
  ERR_LOG_FORKED: 'The server showed two histories of one device.',
  ERR_ACCESS_LOG_TRUNCATED: 'The access log lacks rows that were there before.',
  ERR_ACCESS_LOG_ALTERED: 'A row of the access log was changed.',
  ERR_SEALING_FAILED: 'Sealing failed on this device; nothing was sent.',
  ERR_CLOCK_WRONG: 'The clock of this device is minutes off.',
  ERR_MODULE_UNAVAILABLE: 'A part of the app could not be loaded.',
  ERR_LOG_DAMAGED: 'A part of the backup does not open.',
  ERR_CLIENT_TOO_OLD: 'The backup was written by a newer version.',
  ERR_ACCOUNT_MISMATCH: 'This device belongs to another account.',
  ERR_IDENTITY_CONFLICT: 'Two different identity keys claim one name.',
  ERR_DATABASE_UNAVAILABLE: 'The database is not available.',
  ERR_DATA_IN_USE: 'The data directory is in use by a running server.',
  ERR_START_REFUSED: 'The server cannot start.',
  ERR_JOURNAL_UNAVAILABLE: 'The journal of the realm is not available.',
}

/** A fault with a code. `details` is safe to log; see {@link KeyhavenErrorDetails} for what to do about each. */
export class KeyhavenError<C extends KeyhavenErrorCode = KeyhavenErrorCode> extends Error {
  override readonly name = 'KeyhavenError'
  readonly code: C
  readonly details: KeyhavenErrorDetails[C]

  constructor(code: C, details: KeyhavenErrorDetails[C]) {
    super(MESSAGES[code])
    this.code = code
    this.details = details
  }
}

/** True when `value` is a {@link KeyhavenError}, of the given code if one is named. */
export function isKeyhavenError<C extends KeyhavenErrorCode>(
  value: unknown,
  code?: C,
): value is KeyhavenError<C> {
  return value instanceof KeyhavenError && (code === undefined || value.code === code)
}
