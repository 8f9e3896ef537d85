/**
 * Files that name realms: a plain configuration, or a document signed by a key that the person names once and that this
 * device takes no other from.
 */
import { KeyhavenError } from 'keyhaven'
import { parseHex } from 'keyhaven/crypto'
import { parseConfiguration, parseSignedConfiguration } from 'keyhaven/recovery'
import { CommandError } from '../command-line/command-error.ts'
import type { Invocation, OptionDefinition } from '../command-line/command.ts'
import { readUpTo } from './files.ts'
import type { DeviceRealms } from './settings.ts'

const MOST_FILE_BYTES = 512 * 1024

/** The option that names the key. */
export const REALMS_KEY_OPTION: Readonly<Record<string, OptionDefinition>> = {
  'realms-key': {
    value: 'HEX',
    summary: 'take the file of --realms only when this public key has signed it',
  },
}

/** The key as typed, which must be the pinned one if there is one: else `ERR_REALMS_PINNED`. */
export function chooseRealmsKey(
  invocation: Invocation,
  pinned: DeviceRealms | undefined,
): string | undefined {
  const typed = invocation.option('realms-key')
  if (typed !== undefined && !/^[0-9a-f]{64}$/.test(typed)) {
    throw new CommandError('ERR_USAGE', '--realms-key takes a public key of 64 hex digits.')
  }
  const known = pinned?.signed?.publicKey
  if (typed === undefined || known === undefined || typed === known) return typed ?? known
  throw new CommandError(
    'ERR_REALMS_PINNED',
    'This device takes its realms from another key. Nothing was changed; use another --home for other realms.',
  )
}

/**
 * The realms that a file names, newest ones. With a key it must be a document that the key has signed: else
 * `ERR_CONFIGURATION_REJECTED`. `ERR_CONFIGURATION_INVALID` when it holds none.
 */
export async function readRealms(file: string, publicKey: string | undefined): Promise<DeviceRealms> {
  const text = await readText(file)
  if (publicKey !== undefined) {
    const key = parseHex(publicKey, 'publicKey', 32)
    const { configuration } = parseSignedConfiguration(text, { publicKey: key })
    return { configuration, signed: { publicKey, document: text } }
  }
  const value = parseJson(text)
  if (typeof value === 'object' && value !== null && 'keyhavenConfiguration' in value) {
    throw new CommandError('ERR_USAGE', 'That file is signed; name the key that you trust with --realms-key.')
  }
  return { configuration: parseConfiguration(value), signed: undefined }
}

/** The text of a file of at most 512 KiB. */
export async function readText(file: string): Promise<string> {
  const bytes = await readUpTo(file, MOST_FILE_BYTES + 1, 'file with realms')
  if (bytes.length > MOST_FILE_BYTES) {
    throw new KeyhavenError('ERR_CONFIGURATION_INVALID', { problem: 'longer than 512 KiB' })
  }
  return new TextDecoder().decode(bytes)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new KeyhavenError('ERR_CONFIGURATION_INVALID', { problem: 'not JSON' })
  }
}
