/** `keyhaven keys list`: which keys are on this device, by name, size and fingerprint; never their bytes. */
import { openKeyStore } from 'keyhaven/sync'
import type { ListedKey } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount, printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'

export const keysList: Command = {
  name: 'keys list',
  group: 'device',
  summary: 'List the keys on this device, without showing them',
  details: [
    'Each key is shown by its name, its size, and the first 8 bytes of its SHA-256, by which two devices can be compared.',
  ],
  options: DEVICE_OPTIONS,
  run: runList,
}

async function runList(invocation: Invocation): Promise<Answer> {
  const { vault } = await openDevice(invocation)
  const keys = await openKeyStore(vault).listKeys()
  const identityKeys = keys.filter(({ kind }) => kind === 'identity')
  const conversationKeys = keys.filter(({ kind }) => kind === 'conversation')
  return {
    exit: EXIT.ok,
    json: {
      status: 'ok',
      identityKeys: identityKeys.map(publicPart),
      conversationKeys: conversationKeys.map(publicPart),
    },
    text: [...section('identity key', identityKeys), ...section('conversation key', conversationKeys)].join(
      '\n',
    ),
  }
}

function publicPart({ name, keyId, length, version, current }: ListedKey): Omit<ListedKey, 'kind'> {
  return { name, keyId, length, version, current }
}

function section(noun: string, keys: readonly ListedKey[]): string[] {
  const names = keys.map(({ name }) => printable(name))
  const width = Math.max(0, ...names.map((name) => name.length))
  const rows = keys.map(({ keyId, length, current }, index) => {
    const size = describeCount(length, 'byte').padStart(11)
    return `  ${(names[index] ?? '').padEnd(width)}  ${size}  ${keyId}${current ? '' : '  older'}`
  })
  return [describeCount(keys.length, noun), ...rows]
}
