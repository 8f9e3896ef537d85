/** `keyhaven status`: what is on this device, what it relies on, and how the backup stands. */
import { openKeyStore } from 'keyhaven/sync'
import type { SyncStatus } from 'keyhaven/sync'
import { serializeConfiguration } from 'keyhaven/recovery'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import {
  describeBytes,
  describeCount,
  describeCounts,
  describeGuesses,
  describeMoment,
  printable,
} from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { countKeys } from '../device/key-file.ts'
import { describeRealms } from '../device/realms.ts'
import { openSignedIn } from '../device/sync.ts'
import type { SignedInDevice } from '../device/sync.ts'

export const status: Command = {
  name: 'status',
  group: 'device',
  summary: 'Show what is on this device and how the backup stands',
  options: DEVICE_OPTIONS,
  run: runStatus,
}

async function runStatus(invocation: Invocation): Promise<Answer> {
  const device = await openDevice(invocation)
  const keys = countKeys(await openKeyStore(device.vault).exportKeys())
  const signedIn = await openSignedIn(device)
  const here = [`Device   ${device.home}`, `Keys     ${describeCounts(keys)}`]
  if (signedIn === undefined) {
    const json = { status: 'signed-out', home: device.home, keys }
    return { exit: EXIT.signedOut, json, text: [...here, 'Server   not signed in'].join('\n') }
  }
  invocation.progress.show('Asking the server …')
  const backup = await signedIn.sync.status({ signal: invocation.signal })
  const { session, settings } = signedIn
  return {
    exit: EXIT.ok,
    json: {
      status: 'ok',
      home: device.home,
      keys,
      server: settings.server,
      phone: session.phone,
      accountId: session.accountId,
      deviceId: session.deviceId,
      realms: serializeConfiguration(settings.configuration),
      backup,
    },
    text: [...here, ...describeServer(signedIn), `Backup   ${describeBackup(backup)}`].join('\n'),
  }
}

function describeServer({ session, settings }: SignedInDevice): string[] {
  return [
    `Server   ${settings.server}, signed in as ${session.phone}`,
    `Realms   ${describeRealms(settings.configuration).replaceAll('\n', '\n       ')}`,
  ]
}

function describeBackup(backup: SyncStatus): string {
  if (!backup.hasBackup) return 'none yet'
  const size = `${describeCount(backup.segments, 'segment')}, ${describeBytes(backup.bytes)}, generation ${String(backup.generation)}`
  const lines = [`${describeState(backup)} (${size})`]
  if (backup.lastChange !== undefined) lines.push(`last written ${backup.lastChange}`)
  if (backup.devices.length > 0) {
    const names = backup.devices.map(
      ({ label, thisDevice }) => printable(label) + (thisDevice ? ' (this one)' : ''),
    )
    lines.push(`opens on ${names.join(', ')}`)
  }
  if (backup.guesses !== undefined) {
    lines.push(`${describeGuesses(backup.guesses.remaining)}, as the realms said ${backup.guesses.asOf}`)
  }
  if (backup.removal !== undefined) {
    lines.push(
      `Somebody who is signed in wants it deleted, which is done ${describeMoment(backup.removal.dueAt)} or later;`,
      '"keyhaven delete --keep" on a device that has the backup open, or a restore, ends that.',
    )
  }
  return lines.join('\n         ')
}

function describeState(backup: SyncStatus): string {
  if (backup.upToDate) return 'up to date'
  return backup.joined
    ? 'not up to date; run "keyhaven sync"'
    : 'this device has no part in it; run "keyhaven restore"'
}
