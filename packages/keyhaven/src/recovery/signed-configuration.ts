/**
 * A realm configuration that whoever runs the app signs, so that it can change without a new version of the app: the app
 * pins the public key, and takes no configuration that is not signed by it.
 *
 * The document is JSON, for a file or an address of its own (docs/formats.md). The signature is over the exact bytes inside
 * it, so nothing has to be written in one way only. Which count a device has seen is kept by `keyhaven/sync`.
 */
import { concat, lp, utf8 } from '../crypto/bytes.ts'
import { signEd25519, verifyEd25519 } from '../crypto/ed25519.ts'
import { sha256 } from '../crypto/hkdf.ts'
import { parseBase64, parseHex, toBase64, toHex } from '../crypto/text.ts'
import { KeyhavenError } from '../errors.ts'
import { checkConfiguration, parseConfiguration, serializeConfiguration } from './configuration.ts'
import type { Configuration } from './configuration.ts'

const FORMAT = 1
const MOST_CHARACTERS = 131_072
const MOST_REALMS = 16
const MOST_PREVIOUS = 8

/** What a document says. */
export interface SignedConfiguration {
  /** From 1; grows with each document that the key signs. */
  readonly counter: number
  /** The realms that backups are to rely on. */
  readonly configuration: Configuration
  /** Those before, newest first, at most 8: backups that are still there can be moved, and what was left there deleted. */
  readonly previous: readonly Configuration[]
}

/** A document whose signature was good. */
export interface VerifiedConfiguration extends SignedConfiguration {
  /** SHA-256 of the signed bytes: two documents of one count are the same one, or somebody signed twice. */
  readonly digest: Uint8Array
}

/**
 * Signs a document with an Ed25519 seed (32 bytes), which stays the caller's. Use a key for one app alone: two apps with one
 * key can be given each other's realms. `ERR_CONFIGURATION_INVALID` for more than 16 realms or 8 previous configurations.
 */
export function signConfiguration(seed: Uint8Array, signed: SignedConfiguration): string {
  const { counter, configuration, previous } = checkSigned(signed)
  const contents = utf8(
    JSON.stringify({
      counter,
      configuration: serializeConfiguration(configuration),
      previous: previous.map(serializeConfiguration),
    }),
  )
  const signature = toHex(signEd25519({ seed, message: signedBytes(contents) }))
  const text = JSON.stringify({ keyhavenConfiguration: FORMAT, signed: toBase64(contents), signature })
  if (text.length > MOST_CHARACTERS) throw invalid('the document is longer than 131,072 characters')
  return text
}

/**
 * Reads a document and verifies it with the pinned key (32 bytes). `ERR_CONFIGURATION_REJECTED` with the reason `signature`
 * when another key signed it or it was changed, `ERR_CONFIGURATION_INVALID` when it is no such document.
 */
export function parseSignedConfiguration(
  text: string,
  options: { readonly publicKey: Uint8Array; readonly insecureForTests?: boolean },
): VerifiedConfiguration {
  const { contents, signature } = parseDocument(text)
  if (!verifyEd25519({ publicKey: options.publicKey, message: signedBytes(contents), signature })) {
    throw new KeyhavenError('ERR_CONFIGURATION_REJECTED', { reason: 'signature' })
  }
  return { ...parseContents(contents, options), digest: sha256(contents) }
}

/** What is signed, read. Exported for its test. */
export function parseContents(
  contents: Uint8Array,
  options: { readonly insecureForTests?: boolean } = {},
): SignedConfiguration {
  const { counter, configuration, previous } = asRecord(parseJson(new TextDecoder().decode(contents)))
  if (typeof counter !== 'number') throw invalid('the counter is no number')
  if (!Array.isArray(previous)) throw invalid('previous is not a list')
  const { insecureForTests = false } = options
  const parse = (value: unknown): Configuration => parseConfiguration(value, { insecureForTests })
  return checkSigned({ counter, configuration: parse(configuration), previous: previous.map(parse) })
}

function signedBytes(contents: Uint8Array): Uint8Array {
  return concat(lp('keyhaven/configuration/v1'), lp(contents))
}

/** The document around it, read. Exported for its test. */
export function parseDocument(text: string): {
  readonly contents: Uint8Array
  readonly signature: Uint8Array
} {
  if (text.length > MOST_CHARACTERS) throw invalid('the document is longer than 131,072 characters')
  const { keyhavenConfiguration, signed, signature } = asRecord(parseJson(text))
  if (keyhavenConfiguration !== FORMAT) throw invalid('not a signed configuration of format 1')
  if (typeof signed !== 'string' || typeof signature !== 'string') throw invalid('nothing is signed')
  try {
    return { contents: parseBase64(signed, 'signed'), signature: parseHex(signature, 'signature', 64) }
  } catch {
    throw invalid('what is signed, or its signature, is malformed')
  }
}

function checkSigned({ counter, configuration, previous }: SignedConfiguration): SignedConfiguration {
  if (!Number.isSafeInteger(counter) || counter < 1) throw invalid('the counter is not a whole number from 1')
  if (previous.length > MOST_PREVIOUS) throw invalid('more than 8 previous configurations')
  if ([configuration, ...previous].some(({ realms }) => realms.length > MOST_REALMS)) {
    throw invalid('more than 16 realms')
  }
  return {
    counter,
    configuration: checkConfiguration(configuration),
    previous: previous.map(checkConfiguration),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('not JSON')
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('not an object')
  return value as Readonly<Record<string, unknown>>
}

function invalid(problem: string): KeyhavenError<'ERR_CONFIGURATION_INVALID'> {
  return new KeyhavenError('ERR_CONFIGURATION_INVALID', { problem })
}
