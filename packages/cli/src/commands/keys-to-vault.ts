/** `keyhaven keys to-vault NAME`: makes an identity key that a backup brought a record of the vault again. */
import { KeyhavenError } from 'keyhaven'
import { toHex, wipe } from 'keyhaven/crypto'
import { encodeNpub, importNostrKey } from 'keyhaven/nostr'
import { openKeyStore } from 'keyhaven/sync'
import { chooseWord } from '../command-line/choice.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireRecordName } from '../device/record-name.ts'
import { importRaw } from './vault-import.ts'

export const keysToVault: Command = {
  name: 'keys to-vault',
  group: 'device',
  summary: 'Make an identity key a record of the vault, as after a restore',
  details: [
    'The other way round of "keyhaven keys from-vault": takes the identity key NAME, such as one that "keyhaven restore" brought, and keeps it as the record NAME, which "keyhaven vault export" writes out. The identity key stays.',
    'A backup does not say what kind of key it holds, so you do: nostr for a Nostr key, which is checked, raw for any bytes. A record that holds something else is never overwritten.',
  ],
  positionals: [{ name: 'NAME', summary: 'the identity key, such as nostr' }],
  options: { ...DEVICE_OPTIONS, as: { value: 'KIND', summary: 'what it is: nostr or raw' } },
  run: runToVault,
}

async function runToVault(invocation: Invocation): Promise<Answer> {
  const kind = chooseWord({ what: '--as', typed: invocation.option('as'), words: ['nostr', 'raw'] })
  const name = requireRecordName(invocation.positionals[0] ?? '')
  const { vault } = await openDevice(invocation)
  const { identityKeys } = await openKeyStore(vault).exportKeys()
  const key = Object.hasOwn(identityKeys, name) ? identityKeys[name] : undefined
  if (key === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  try {
    const what = `the record ${printable(name)}`
    if (kind === 'raw') {
      await importRaw(vault, name, key)
      return { exit: EXIT.ok, json: { status: 'kept', name, as: kind }, text: `Kept as ${what}.` }
    }
    const text = toHex(key)
    const { publicKey } = await importNostrKey({ vault, key: { as: 'hex', text }, record: name })
    const npub = encodeNpub(publicKey)
    const json = { status: 'kept', name, as: kind, publicKey, npub }
    return { exit: EXIT.ok, json, text: `Kept the key of ${npub} as ${what}.` }
  } finally {
    wipe(key)
  }
}
