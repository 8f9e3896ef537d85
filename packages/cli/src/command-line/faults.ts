/**
 * What every fault is in plain words, and which exit code it leads to. An unknown fault shows its kind only: its
 * message may hold what it was given.
 */
import { isKeyhavenError } from 'keyhaven'
import type { KeyhavenError, KeyhavenErrorCode, KeyhavenErrorDetails, RealmFault } from 'keyhaven'
import { CommandError } from './command-error.ts'
import type { Answer } from './command.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'

interface Words {
  readonly exit: ExitCode
  readonly text: string
}

type Explain<C extends KeyhavenErrorCode> = Words | ((details: KeyhavenErrorDetails[C]) => Words)

const EXPLANATIONS: { readonly [C in KeyhavenErrorCode]?: Explain<C> } = {
  ERR_INPUT_INVALID: ({ field, expected }) => ({
    exit: EXIT.usage,
    text: `"${field}" is not right; expected: ${expected}.`,
  }),
  ERR_SETTING_INVALID: ({ setting, expected }) => ({
    exit: EXIT.usage,
    text: `The setting ${setting} is not right; expected: ${expected}.`,
  }),
  ERR_CONFIGURATION_INVALID: ({ problem }) => ({
    exit: EXIT.usage,
    text: `The realm configuration is not valid: ${problem}.`,
  }),
  ERR_CONFIGURATION_REJECTED: ({ reason }) => ({ exit: EXIT.distrusted, text: REJECTED_REALMS[reason] }),
  ERR_REALM_UNSUPPORTED: ({ realmId }) => ({
    exit: EXIT.usage,
    text: `Realm ${realmId} has a public key (a hardware realm); that kind is not supported yet.`,
  }),
  ERR_PHONE_INVALID: {
    exit: EXIT.usage,
    text: 'That is not a phone number; write it with its country, such as +15551234567.',
  },
  ERR_INSECURE_TRANSPORT: {
    exit: EXIT.usage,
    text: 'The address must begin with https://; http:// is taken only for this machine itself.',
  },
  ERR_LINK_FORGED: {
    exit: EXIT.distrusted,
    text: 'What came through the server is not from the device at hand; nothing was let in. Begin again, and if it comes again, do not trust this server.',
  },
  ERR_RECOVERY_CODE_INVALID: ({ problem }) => ({
    exit: EXIT.usage,
    text: `That is not a recovery code: ${RECOVERY_CODE_PROBLEMS[problem]}. Nothing was tried; look at it again.`,
  }),
  ERR_PIN_REFUSED: ({ reason }) => ({ exit: EXIT.refused, text: PIN_REASONS[reason] }),
  ERR_PASSWORD_REFUSED: {
    exit: EXIT.refused,
    text: 'That is too easy to guess; take several words that belong to nothing. Nothing was done.',
  },
  ERR_SIGNED_OUT: { exit: EXIT.signedOut, text: 'This device is not signed in; run "keyhaven login" first.' },
  ERR_DEVICE_REMOVED: {
    exit: EXIT.signedOut,
    text: 'This device was removed from the account. Its keys are still here; "keyhaven login" and "keyhaven restore" with the PIN bring it back.',
  },
  ERR_VAULT_MISSING: {
    exit: EXIT.signedOut,
    text: 'There is no device here yet; "keyhaven login" or "keyhaven vault init" sets one up.',
  },
  ERR_VAULT_EXISTS: {
    exit: EXIT.usage,
    text: 'There is a vault here already and it was kept; name another folder with --home.',
  },
  ERR_RECORD_MISSING: { exit: EXIT.usage, text: 'The vault has no record of this name.' },
  ERR_RECORD_EXISTS: { exit: EXIT.usage, text: 'The vault has a record of this name already; it was kept.' },
  ERR_PROTECTION_MISSING: {
    exit: EXIT.usage,
    text: 'The vault has no such protection; "keyhaven vault protect list" shows those that it has.',
  },
  ERR_PROTECTION_LAST: {
    exit: EXIT.refused,
    text: 'This is the last protection, and without it nothing would open the vault. Add or replace one instead.',
  },
  ERR_LEGACY_MALFORMED: ({ problem }) => ({
    exit: EXIT.usage,
    text: `The file does not hold what that program stored: "${problem}" is not in its format. Nothing was changed.`,
  }),
  ERR_LEGACY_MISMATCH: {
    exit: EXIT.usage,
    text: 'The private key in the file does not belong to the public key beside it. Nothing was changed.',
  },
  ERR_CODE_REJECTED: ({ triesRemaining }) => ({
    exit: EXIT.signedOut,
    text: `The sign-in code was not accepted${triesRemaining === undefined ? '' : ` (${String(triesRemaining)} tries left)`}; run the command again without a code for a new one.`,
  }),
  ERR_SERVER_UNAVAILABLE: ({ fault }) => ({ exit: EXIT.unavailable, text: SERVER_FAULTS[fault] }),
  ERR_REALMS_UNAVAILABLE: ({ realms }) => ({
    exit: EXIT.unavailable,
    text: `Too few realms answered; try again later.${describeRealms(realms)}`,
  }),
  ERR_REGISTRATION_SPLIT: ({ realms }) => ({
    exit: EXIT.distrusted,
    text: `The realms disagree about the backup; nothing was changed.${describeRealms(realms)}`,
  }),
  ERR_DATABASE_UNAVAILABLE: { exit: EXIT.unavailable, text: 'The database cannot be reached.' },
  ERR_VAULT_BUSY: {
    exit: EXIT.unavailable,
    text: 'Another process is using this device; try again when it is done.',
  },
  ERR_POINTER_CONFLICT: {
    exit: EXIT.unavailable,
    text: 'Another device changed the backup at the same time; run the command again.',
  },
  ERR_RATE_LIMITED: ({ retryAfterSeconds }) => ({
    exit: EXIT.refused,
    text: `Too many requests; wait ${describeSeconds(retryAfterSeconds)} and try again.`,
  }),
  ERR_SERVER_REFUSED: ({ rule, status }) => ({
    exit: EXIT.refused,
    text: SERVER_RULES[rule] ?? `The server refused the request (${rule}, HTTP ${String(status)}).`,
  }),
  ERR_AUTHORITY_REQUIRED: {
    exit: EXIT.refused,
    text: 'Only a device that has the backup open can do this; run "keyhaven restore" here first.',
  },
  ERR_DATA_IN_USE: {
    exit: EXIT.refused,
    text: 'The data directory is in use by a running server; stop it, or name another with --data.',
  },
  ERR_START_REFUSED: ({ problem }) => ({ exit: EXIT.refused, text: `The server cannot start: ${problem}` }),
  ERR_JOURNAL_UNAVAILABLE: {
    exit: EXIT.unavailable,
    text: 'The realm’s journal (KEYHAVEN_REALM_JOURNAL) cannot be read or written; nothing was done.',
  },
  ERR_REGISTRATION_DAMAGED: {
    exit: EXIT.distrusted,
    text: 'The PIN is right, but what the realms hold is damaged.',
  },
  ERR_VAULT_DAMAGED: ({ problem }) => ({
    exit: EXIT.distrusted,
    text: `The files of this device were changed from outside (${problem}). Restore to a new --home.`,
  }),
  ERR_VAULT_TAMPERED: {
    exit: EXIT.distrusted,
    text: 'The files of this device do not belong together: somebody changed them. Restore to a new --home.',
  },
  ERR_DEVICE_KEY_MISSING: {
    exit: EXIT.distrusted,
    text: 'The key of this device (device.key) is gone, so its vault cannot be opened. Restore to a new --home.',
  },
  ERR_KEYCHAIN_FAILED: ({ fault }) => ({ exit: EXIT.unavailable, text: KEYCHAIN_FAULTS[fault] }),
  ERR_DEVICE_KEY_REFUSED: ({ problem }) => ({ exit: EXIT.distrusted, text: DEVICE_KEY_PROBLEMS[problem] }),
  ERR_POINTER_REJECTED: damaged('The server named a registration that the key of the backup did not sign'),
  ERR_LOG_ROLLED_BACK: damaged('The server showed an older state of the backup than this device has seen'),
  ERR_BACKUP_REMOVED: {
    exit: EXIT.distrusted,
    text: 'The server says that the backup was deleted after a wait, without the key that this device has. If that was you, "keyhaven delete" makes this device forget it and "keyhaven backup" makes a new one; if not, do not trust this server.',
  },
  ERR_LOG_INCOMPLETE: damaged('A part of the backup is missing on the server'),
  ERR_LOG_FORKED: damaged('The server showed two histories of one device'),
  ERR_ACCESS_LOG_TRUNCATED: {
    exit: EXIT.distrusted,
    text: 'The server leaves out parts of the access log that a device of yours has seen. The keys are not affected, but do not trust what this server says was done.',
  },
  ERR_ACCESS_LOG_ALTERED: {
    exit: EXIT.distrusted,
    text: 'The access log that the server shows was changed. The keys are not affected, but do not trust what this server says was done.',
  },
  ERR_LOG_DAMAGED: ({ problem }) => damaged(`A part of the backup does not open (${problem})`),
  ERR_ENVELOPE_REJECTED: distrusted('Sealed bytes were rejected: wrong key, or altered'),
  ERR_ENVELOPE_MALFORMED: distrusted('Sealed bytes are malformed'),
  ERR_ACCOUNT_MISMATCH: {
    exit: EXIT.distrusted,
    text: 'This device belongs to another account or server; use another --home.',
  },
  ERR_IDENTITY_CONFLICT: ({ count }) => ({
    exit: EXIT.distrusted,
    text: `Two different identity keys claim ${count === 1 ? 'one name' : `each of ${String(count)} names`}; nothing was overwritten.`,
  }),
  ERR_CLOCK_WRONG: {
    exit: EXIT.fault,
    text: 'The clock of this device is minutes off, so its signatures are not taken; set it, then try again.',
  },
  ERR_CLIENT_TOO_OLD: {
    exit: EXIT.fault,
    text: 'The backup was written by a newer version of Keyhaven; update this one.',
  },
  ERR_ABORTED: { exit: EXIT.interrupted, text: 'Stopped.' },
}

const REJECTED_REALMS: Readonly<
  Record<KeyhavenErrorDetails['ERR_CONFIGURATION_REJECTED']['reason'], string>
> = {
  signature: 'The file with realms is not signed by the key that this device trusts. Nothing was changed.',
  older:
    'The file with realms is older than one that this device has seen. Nothing was changed; get the newest.',
  forked:
    'The key has signed two different files with realms under one number. Nothing was changed; ask whoever signs them.',
}

const PIN_REASONS: Readonly<Record<KeyhavenErrorDetails['ERR_PIN_REFUSED']['reason'], string>> = {
  'too-short': 'The PIN is too short: at least 6 digits or characters.',
  'too-long': 'The PIN is too long: at most 128 characters.',
  characters: 'The PIN has characters that cannot be typed, such as a tab.',
  repeated:
    'The PIN is too easy to guess: it repeats a few characters. Choose another one, or several words.',
  sequence:
    'The PIN is too easy to guess: it follows a line, such as 123456, 147258 or qwerty. Choose another one, or several words.',
  common: 'The PIN is too easy to guess: many people have it. Choose another one, or several words.',
  date: 'The PIN is too easy to guess: it reads as a date. Choose another one, or several words.',
  'phone-number':
    'The PIN is too easy to guess: it is a part of your phone number. Choose another one, or several words.',
}

const RECOVERY_CODE_PROBLEMS: Readonly<
  Record<KeyhavenErrorDetails['ERR_RECOVERY_CODE_INVALID']['problem'], string>
> = {
  characters: 'it has a character that no code has',
  length: 'a code has 28 characters, in seven groups of four',
  check: 'a character is wrong, or two have changed places',
}

const DEVICE_KEY_PROBLEMS: Readonly<
  Record<KeyhavenErrorDetails['ERR_DEVICE_KEY_REFUSED']['problem'], string>
> = {
  permissions: 'Others may read the key of this device; give device.key the mode 0600.',
  'inside-the-vault': 'The key of this device must not lie inside its vault.',
  damaged:
    'The key of this device (device.key) is damaged. If the vault has a password, move device.key away and use that; else restore to a new --home.',
}

const KEYCHAIN_FAULTS: Readonly<Record<KeyhavenErrorDetails['ERR_KEYCHAIN_FAILED']['fault'], string>> = {
  'not-installed':
    'The keychain of the system needs the package @napi-rs/keyring, which is not installed here.',
  failed:
    'The keychain of the system did not do what was asked. Start or unlock it and try again; --vault-password-file opens a vault that has a password, too.',
  'no-entry':
    'The keychain of the system has no key for this vault now. Another keychain may be open; unlock the one with which it was set up, or use --vault-password-file if the vault has a password, too.',
}

const SERVER_FAULTS: Readonly<Record<KeyhavenErrorDetails['ERR_SERVER_UNAVAILABLE']['fault'], string>> = {
  network: 'The server cannot be reached.',
  timeout: 'The server did not answer in time; try again later.',
  status: 'The server answered with a fault of its own; try again later.',
  body: 'The server answered with something that is not understood.',
}

const SERVER_RULES: Readonly<Record<string, string>> = {
  ERR_QUOTA_EXCEEDED: "The account's room on the server is used up (ERR_QUOTA_EXCEEDED).",
  ERR_PENDING_ELSEWHERE:
    'Another device is changing the backup; try again in ten minutes (ERR_PENDING_ELSEWHERE).',
  ERR_TOKEN_REJECTED:
    'The realm does not know the key of this server, or has another id; its operator names the key in KEYHAVEN_TENANTS (ERR_TOKEN_REJECTED).',
  ERR_PROOF_REJECTED: 'The server did not accept the signature: it is of another key (ERR_PROOF_REJECTED).',
}

function distrusted(problem: string): Words {
  return { exit: EXIT.distrusted, text: `${problem}; nothing was taken over.` }
}

/** A backup that is not whole. */
function damaged(problem: string): Words {
  const advice = '"keyhaven verify" says what is still whole.'
  return { exit: EXIT.distrusted, text: `${problem}; nothing was taken over. ${advice}` }
}

function describeRealms(realms: readonly RealmFault[]): string {
  return realms.map(describeRealm).join('')
}

function describeRealm({ realmId, fault, retryAfterSeconds }: RealmFault): string {
  const wait = retryAfterSeconds === undefined ? '' : `, wait ${describeSeconds(retryAfterSeconds)}`
  return `\n  realm ${realmId}: ${fault}${wait}`
}

/** A span in words that people use. */
export function describeSeconds(seconds: number): string {
  if (seconds < 90) return `${String(seconds)} s`
  if (seconds < 5400) return `${String(Math.ceil(seconds / 60))} min`
  return `${String(Math.ceil(seconds / 3600))} h`
}

/** The answer that a thrown fault leads to. */
export function explainFault(fault: unknown): Answer {
  if (fault instanceof CommandError)
    return answer({ code: fault.code, text: fault.message, exit: fault.exit })
  if (isKeyhavenError(fault)) {
    const { exit, text } = explain(fault)
    return answer({ code: fault.code, text, exit, details: fault.details })
  }
  const kind = fault instanceof Error ? fault.name : typeof fault
  return answer({
    code: 'ERR_UNEXPECTED',
    text: `Something unexpected went wrong (${kind}).`,
    exit: EXIT.fault,
  })
}

function explain<C extends KeyhavenErrorCode>(fault: KeyhavenError<C>): Words {
  const explanation: Explain<C> | undefined = EXPLANATIONS[fault.code]
  if (explanation === undefined) return { exit: EXIT.fault, text: fault.message }
  return typeof explanation === 'function' ? explanation(fault.details) : explanation
}

function answer(input: {
  readonly code: string
  readonly text: string
  readonly exit: ExitCode
  readonly details?: unknown
}): Answer {
  const { code, text, exit, details } = input
  return {
    exit,
    text: `${text}  [${code}]`,
    json: { status: 'error', error: { code, message: text, details } },
  }
}
