/** A protection as a person asks for it: by a key beside the vault, by one in the system's keychain, or by a password. */
import { passwordProtection } from 'keyhaven/vault'
import type { Protection } from 'keyhaven/vault'
import { estimatePassword } from 'keyhaven/vault/password'
import type { PasswordEstimate } from 'keyhaven/vault/password'
import { chooseWord } from '../command-line/choice.ts'
import { CommandError } from '../command-line/command-error.ts'
import type { Invocation, OptionDefinition } from '../command-line/command.ts'
import { PASSWORD, readSecret, secretIsNamed, secretOptions } from '../command-line/secret-input.ts'
import { deviceProtection, keychainProtection, resolveHome } from './home.ts'

/** The kinds that a person can choose. */
export const PROTECTION_TYPES = ['device', 'password', 'keychain'] as const
export type ProtectionType = (typeof PROTECTION_TYPES)[number]

const KDFS = ['argon2id', 'pbkdf2'] as const

/** The options that say more about a new protection. */
export const NEW_PROTECTION_OPTIONS: Readonly<Record<string, OptionDefinition>> = {
  kdf: {
    value: 'KDF',
    summary: 'how the password is stretched: argon2id, or pbkdf2 where only FIPS 140 functions may be used',
    default: 'argon2id',
  },
  label: { value: 'TEXT', summary: 'a name to show beside the protection; it is stored in clear' },
  ...secretOptions(PASSWORD),
}

export interface NewProtection {
  readonly protection: Protection
  /** What is against the password, if anything; there to be shown. */
  readonly weakness: PasswordEstimate['weakness']
}

/** The protection that the options describe; asks twice for a password that no option names. */
export async function chooseProtection(invocation: Invocation, type: ProtectionType): Promise<NewProtection> {
  const label = invocation.option('label')
  if (type !== 'password') {
    refusePasswordOptions(invocation)
    const home = resolveHome(invocation)
    const protection = type === 'device' ? deviceProtection(home, label) : keychainProtection(label)
    return { protection, weakness: undefined }
  }
  const kdf = chooseWord({
    what: '--kdf',
    typed: invocation.option('kdf'),
    words: KDFS,
    fallback: 'argon2id',
  })
  const questions = ['Choose a password for this vault', 'The same password again']
  const password = await readSecret({ invocation, kind: PASSWORD, questions })
  const protection = passwordProtection({
    password,
    kdf: kdf === 'pbkdf2' ? 'pbkdf2-sha-256' : kdf,
    ...(label !== undefined && { label }),
  })
  return { protection, weakness: (await estimatePassword(password)).weakness }
}

/** Else somebody who names a password would get a vault that opens without it. */
function refusePasswordOptions(invocation: Invocation): void {
  if (!secretIsNamed(invocation, PASSWORD) && invocation.option('kdf') === undefined) return
  throw new CommandError('ERR_USAGE', 'Only a password protection has a password; ask for one to use it.')
}

const ADVICE: Readonly<Record<NonNullable<PasswordEstimate['weakness']>, string>> = {
  short: 'This password is short; 12 characters or more are advised.',
  guessable:
    'This password is easy to guess, for all its length; several words that do not belong together are better.',
  repeated: 'This password repeats itself, which makes it easy to guess.',
  sequence: 'This password is mostly a run of neighbouring characters, which makes it easy to guess.',
}

/** A line of advice about the password, if there is anything to say; begins with a newline. */
export function describeWeakness(weakness: PasswordEstimate['weakness']): string {
  return weakness === undefined ? '' : `\n${ADVICE[weakness]}`
}
