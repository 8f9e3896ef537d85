/**
 * The recovery kit as a file: an age file (age-encryption.org/v1) under a passphrase, armored, that the plain `age` program
 * opens. Inside is JSON (docs/formats.md, "Recovery kit, format 1") with the seed of a way in.
 *
 * age stretches the passphrase by scrypt, 2^18 · 8 · 128 bytes. A file that asks for more is refused before any work.
 */
import { parseBase64, parseUtf8, toBase64 } from '../../crypto/index.ts'
import type { Scrypt } from '../../crypto/scrypt.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { parseJsonFields } from '../../json-fields.ts'
import { loadModule } from '../../load-module.ts'
import { passphraseIdentity, passphraseRecipient } from './age-passphrase.ts'

const WORK_FACTOR = 18
const MOST_CHARACTERS = 8192
const FORMAT = 1

/** What is in a kit. */
export interface Kit {
  /** The account's UUID. */
  readonly account: string
  /** Where the account was when the kit was made. */
  readonly server: string
  /** The way's X-Wing seed, 32 bytes. */
  readonly seed: Uint8Array
}

interface Stretching {
  readonly scrypt?: Scrypt | undefined
}

/** Seals a kit; armored text. `workFactor` is for tests. */
export async function sealKit(
  kit: Kit,
  passphrase: string,
  { workFactor = WORK_FACTOR, scrypt }: Stretching & { readonly workFactor?: number } = {},
): Promise<string> {
  const { Encrypter, Stanza, armor } = await loadModule(import('age-encryption'))
  const makeStanza = (args: string[], body: Uint8Array): InstanceType<typeof Stanza> => new Stanza(args, body)
  const encrypter = new Encrypter()
  encrypter.addRecipient(passphraseRecipient(passphrase, { workFactor, scrypt, makeStanza }))
  return armor.encode(await encrypter.encrypt(writeKit(kit)))
}

/**
 * Opens a kit; `undefined` when the passphrase is wrong or the file was altered. `ERR_ENVELOPE_MALFORMED` for what is no age
 * file under a passphrase, or asks for too much work; `ERR_CLIENT_TOO_OLD` for a format of the future.
 */
export async function openKit(
  file: string,
  passphrase: string,
  { scrypt }: Stretching = {},
): Promise<Kit | undefined> {
  const { Decrypter, armor } = await loadModule(import('age-encryption'))
  const bytes = decodeArmor(file, armor.decode)
  const decrypter = new Decrypter()
  decrypter.addIdentity(passphraseIdentity(passphrase, { mostWork: WORK_FACTOR, scrypt }))
  const plaintext = await decrypter.decrypt(bytes).catch((fault: unknown) => {
    if (isKeyhavenError(fault)) throw fault
    return undefined
  })
  return plaintext === undefined ? undefined : parseKit(plaintext)
}

function decodeArmor(file: string, decode: (text: string) => Uint8Array): Uint8Array {
  if (file.length > MOST_CHARACTERS) throw malformed('length')
  try {
    return decode(file.trim())
  } catch {
    throw malformed('length')
  }
}

function writeKit({ account, server, seed }: Kit): string {
  return `${JSON.stringify({ keyhavenRecoveryKit: FORMAT, account, server, seed: toBase64(seed) })}\n`
}

function parseKit(plaintext: Uint8Array): Kit {
  const { keyhavenRecoveryKit: format, account, server, seed } = parseJsonFields(parseUtf8(plaintext))
  if (typeof format === 'number' && format > FORMAT) throw new KeyhavenError('ERR_CLIENT_TOO_OLD', undefined)
  if (format !== FORMAT) throw malformed('version')
  if (typeof account !== 'string' || typeof server !== 'string' || typeof seed !== 'string')
    throw malformed('parameters')
  return { account, server, seed: parseSeed(seed) }
}

function parseSeed(text: string): Uint8Array {
  try {
    const seed = parseBase64(text, 'seed')
    if (seed.length === 32) return seed
  } catch {
    throw malformed('parameters')
  }
  throw malformed('length')
}

function malformed(problem: 'length' | 'version' | 'parameters'): KeyhavenError {
  return new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem })
}
