/**
 * Opens a file that QryptChat's PrivateKeyManager wrote: JSON with `version`, `algorithm`, `encryptedKeys`, and with 2.0
 * `salt` and `iv` (AES-256-GCM), with 3.0 `pbkdfSalt`, `hkdfSalt`, `nonce`, `kdfIterations` (ChaCha20-Poly1305). Neither
 * has associated data nor a verifier, so a rejection is "wrong password or damaged", and cannot be told apart.
 *
 * A file of 2.0 does not say whether PBKDF2 or HKDF made its key, so both are tried, here and nowhere else.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { openAead } from '../crypto/aead.ts'
import { parseUtf8, utf8, wipe } from '../crypto/bytes.ts'
import { deriveKey } from '../crypto/hkdf.ts'
import { derivePbkdf2 } from '../crypto/pbkdf2.ts'
import { isKeyhavenError } from '../errors.ts'
import {
  malformed,
  parseBytes,
  parseFields,
  parseIterations,
  parseKeyPair,
  prefixOf,
  requireObject,
} from './qryptchat-fields.ts'
import type { Fields, QryptChatKeys } from './qryptchat-fields.ts'

const KEY_LENGTH = 32
const NONCE_LENGTH = 12
const MOST_TEXT = 2 * 1024 * 1024
const MOST_ENCRYPTED = 1024 * 1024
/** A tag and something before it. */
const LEAST_ENCRYPTED = 17
const INFO_2 = 'QryptChat-v1-PostQuantumKeyExport'
const INFO_3 = 'QryptChat-v1-QryptChat-KeyBackup-ChaCha20'

/** An export whose fields have been checked. */
export type QryptChatExport = {
  readonly encryptedKeys: Uint8Array
  readonly nonce: Uint8Array
  readonly iterations: number
} & (
  | { readonly version: '2.0'; readonly salt: Uint8Array }
  | { readonly version: '3.0'; readonly pbkdfSalt: Uint8Array; readonly hkdfSalt: Uint8Array }
)

/** What opening an export comes to. */
export type QryptChatExportOpening =
  | { readonly status: 'opened'; readonly keys: QryptChatKeys }
  /** The password is wrong, or the file is damaged: the format cannot tell. */
  | { readonly status: 'rejected' }

/** Reads an export; `ERR_LEGACY_MALFORMED` names the field that is not in the format, before anything is derived. */
export function parseQryptChatExport(text: string): QryptChatExport {
  return readExport(parseFields(text, 'export', MOST_TEXT))
}

function readExport(fields: Fields): QryptChatExport {
  const { version, algorithm } = fields
  const common = {
    encryptedKeys: parseBytes(fields['encryptedKeys'], {
      field: 'encryptedKeys',
      least: LEAST_ENCRYPTED,
      most: MOST_ENCRYPTED,
    }),
    iterations: parseIterations(fields['kdfIterations'], 'kdfIterations'),
  }
  if (version === '2.0' && algorithm === 'AES-GCM-256') {
    return { ...common, version, salt: readSalt(fields, 'salt'), nonce: readNonce(fields, 'iv') }
  }
  if (version === '3.0' && algorithm === 'ChaCha20-Poly1305-HKDF') {
    const salts = { pbkdfSalt: readSalt(fields, 'pbkdfSalt'), hkdfSalt: readSalt(fields, 'hkdfSalt') }
    return { ...common, version, ...salts, nonce: readNonce(fields, 'nonce') }
  }
  throw malformed(version === '2.0' || version === '3.0' ? 'algorithm' : 'version')
}

function readSalt(fields: Fields, field: string): Uint8Array {
  return parseBytes(fields[field], { field, least: 16, most: 64 })
}

function readNonce(fields: Fields, field: string): Uint8Array {
  return parseBytes(fields[field], { field, least: NONCE_LENGTH, most: NONCE_LENGTH })
}

/**
 * Opens an export with its password. The keys are named as in it, `keys1024.privateKey` and so on.
 *
 * `ERR_LEGACY_MALFORMED` when its contents are in no format of QryptChat, `ERR_LEGACY_MISMATCH` when a private key does
 * not belong to the public key beside it.
 */
export async function openQryptChatExport(input: {
  readonly file: QryptChatExport
  readonly password: string
}): Promise<QryptChatExportOpening> {
  const password = utf8(input.password)
  try {
    const plaintext =
      input.file.version === '2.0'
        ? await openVersion2(input.file, password)
        : await openVersion3(input.file, password)
    if (plaintext === undefined) return { status: 'rejected' }
    try {
      return { status: 'opened', keys: readKeys(plaintext) }
    } finally {
      wipe(plaintext)
    }
  } finally {
    wipe(password)
  }
}

async function openVersion2(
  file: Extract<QryptChatExport, { readonly version: '2.0' }>,
  password: Uint8Array,
): Promise<Uint8Array | undefined> {
  const { salt, iterations } = file
  const byHkdf = deriveKey({ secret: password, salt, info: utf8(INFO_2), length: KEY_LENGTH })
  const opened = await openGcm(file, byHkdf)
  if (opened !== undefined) return opened
  return openGcm(file, await derivePbkdf2({ password, salt, iterations, length: KEY_LENGTH }))
}

async function openGcm(
  { nonce, encryptedKeys }: QryptChatExport,
  key: Uint8Array,
): Promise<Uint8Array | undefined> {
  try {
    return await openAead({ key, nonce, associatedData: new Uint8Array(0) }, encryptedKeys)
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_ENVELOPE_REJECTED')) return undefined
    throw error
  } finally {
    wipe(key)
  }
}

async function openVersion3(
  file: Extract<QryptChatExport, { readonly version: '3.0' }>,
  password: Uint8Array,
): Promise<Uint8Array | undefined> {
  const { pbkdfSalt, hkdfSalt, iterations, nonce, encryptedKeys } = file
  const secret = await derivePbkdf2({ password, salt: pbkdfSalt, iterations, length: KEY_LENGTH })
  const key = deriveKey({ secret, salt: hkdfSalt, info: utf8(INFO_3), length: KEY_LENGTH })
  try {
    return chacha20poly1305(key, nonce).decrypt(encryptedKeys)
  } catch {
    return undefined
  } finally {
    wipe(secret, key)
  }
}

/** `{"keys1024":pair,"keys768":pair}`, or in the oldest files one pair with its algorithm. */
function readKeys(plaintext: Uint8Array): QryptChatKeys {
  const fields = parseFields(readText(plaintext), 'keys', MOST_ENCRYPTED)
  const pairs = ['keys1024', 'keys768'].filter((name) => fields[name] !== undefined && fields[name] !== null)
  if (pairs.length === 0) {
    const prefix = prefixOf(fields['algorithm'] ?? 'ML-KEM-1024')
    return { identityKeys: parseKeyPair(fields, prefix), conversationKeys: {} }
  }
  const keys = pairs.map((name) => parseKeyPair(requireObject(fields[name], name), `${name}.`))
  return { identityKeys: Object.assign({}, ...keys) as QryptChatKeys['identityKeys'], conversationKeys: {} }
}

/** The text of opened bytes; `ERR_LEGACY_MALFORMED` when they are no UTF-8. */
export function readText(plaintext: Uint8Array): string {
  try {
    return parseUtf8(plaintext)
  } catch {
    throw malformed('keys')
  }
}
