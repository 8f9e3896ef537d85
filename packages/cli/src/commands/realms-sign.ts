/** `keyhaven realms sign`: signs which realms an app relies on from now on. */
import { deriveEd25519PublicKey, parseHex, toHex, wipe } from 'keyhaven/crypto'
import { parseSignedConfiguration, signConfiguration } from 'keyhaven/recovery'
import type { Configuration, SignedConfiguration } from 'keyhaven/recovery'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount } from '../command-line/words.ts'
import { readUpTo, writePrivate } from '../device/files.ts'
import { describeRealms, isSameConfiguration } from '../device/realms.ts'
import { readRealms, readText } from '../device/signed-realms.ts'

const MOST_PREVIOUS = 8

export const realmsSign: Command = {
  name: 'realms sign',
  group: 'server',
  summary: 'Sign which realms an app relies on from now on',
  details: [
    'The file of --realms is a plain configuration, up to 16 realms; "operator": { "name", "jurisdiction" } beside a realm’s id says who runs it. With --after the new file counts on from the one before, and names its realms as those that backups are moved from. Nobody takes a file that counts less than one that he has seen.',
  ],
  options: {
    realms: { value: 'FILE', summary: 'the realms, as JSON; needed' },
    'key-file': { value: 'FILE', summary: 'the key of "keyhaven realms new-key"; needed' },
    after: { value: 'FILE', summary: 'the signed file that is in use until now' },
    out: { value: 'FILE', summary: 'where the signed file goes; an existing file is kept; needed' },
  },
  run: runSign,
}

async function runSign(invocation: Invocation): Promise<Answer> {
  const file = requireOption(invocation, 'out')
  const { configuration } = await readRealms(requireOption(invocation, 'realms'), undefined)
  const seed = await readKey(requireOption(invocation, 'key-file'))
  try {
    const publicKey = deriveEd25519PublicKey(seed)
    const before = await readBefore(invocation.option('after'), publicKey)
    const signed = countOn(before, configuration)
    await writePrivate(file, `${signConfiguration(seed, signed)}\n`)
    return answer(signed, { file, publicKey: toHex(publicKey) })
  } finally {
    wipe(seed)
  }
}

function requireOption(invocation: Invocation, name: string): string {
  const value = invocation.option(name)
  if (value === undefined) throw new CommandError('ERR_USAGE', `--${name} FILE is missing.`)
  return value
}

async function readKey(file: string): Promise<Uint8Array> {
  const text = new TextDecoder().decode(await readUpTo(file, 66, 'file with the key')).trim()
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new CommandError(
      'ERR_KEY_FILE_INVALID',
      'The file of --key-file is no key of "keyhaven realms new-key".',
    )
  }
  return parseHex(text, 'key', 32)
}

async function readBefore(
  file: string | undefined,
  publicKey: Uint8Array,
): Promise<SignedConfiguration | undefined> {
  return file === undefined ? undefined : parseSignedConfiguration(await readText(file), { publicKey })
}

function countOn(before: SignedConfiguration | undefined, configuration: Configuration): SignedConfiguration {
  if (before === undefined) return { counter: 1, configuration, previous: [] }
  const previous = [before.configuration, ...before.previous]
    .filter((each) => !isSameConfiguration(each, configuration))
    .slice(0, MOST_PREVIOUS)
  return { counter: before.counter + 1, configuration, previous }
}

function answer(
  { counter, configuration, previous }: SignedConfiguration,
  made: { readonly file: string; readonly publicKey: string },
): Answer {
  return {
    exit: EXIT.ok,
    json: { status: 'signed', ...made, counter, previous: previous.length },
    text: `${made.file} is number ${String(counter)} of the key ${made.publicKey}, with ${describeCount(previous.length, 'configuration')} before it.\nPeople rely on ${describeRealms(configuration)}`,
  }
}
