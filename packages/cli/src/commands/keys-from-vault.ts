/** `keyhaven keys from-vault NAME`: lets the backup carry a record of the vault, as an identity key. */
import { KeyhavenError } from 'keyhaven'
import { wipe } from 'keyhaven/crypto'
import { openKeyStore } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireRecordName } from '../device/record-name.ts'

export const keysFromVault: Command = {
  name: 'keys from-vault',
  group: 'device',
  summary: 'Let the backup carry a record of the vault, as an identity key',
  details: [
    'Takes what "keyhaven vault import" or "keyhaven vault migrate" put into the vault, and makes it an identity key of the same name; the record stays. "keyhaven backup" then brings it to the server, and on another device "keyhaven keys to-vault" makes it a record again after "keyhaven restore".',
    'Another key under that name is never overwritten; the same key again changes nothing. At most 65,536 bytes.',
  ],
  positionals: [{ name: 'NAME', summary: 'the record, such as nostr' }],
  options: DEVICE_OPTIONS,
  run: runFromVault,
}

async function runFromVault(invocation: Invocation): Promise<Answer> {
  const name = requireRecordName(invocation.positionals[0] ?? '')
  const { vault } = await openDevice(invocation)
  const record = await vault.get(name)
  if (record === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  try {
    const keys = { identityKeys: { [name]: record.bytes }, conversationKeys: {} }
    const added = (await openKeyStore(vault).importKeys(keys)).identityKeys > 0
    const text = added
      ? `${printable(name)} is an identity key now; "keyhaven backup" carries it.`
      : `${printable(name)} was an identity key already; nothing was changed.`
    return { exit: EXIT.ok, json: { status: 'imported', name, added }, text }
  } finally {
    wipe(record.bytes)
  }
}
