/** Opens what backing up and restoring need: the session of a device and its keys' synchronisation. */
import { KeyhavenError } from 'keyhaven'
import { parseHex } from 'keyhaven/crypto'
import { parseSignedConfiguration } from 'keyhaven/recovery'
import type { Configuration } from 'keyhaven/recovery'
import { createKeySync, httpTransport, openSession } from 'keyhaven/sync'
import type { KeySync, Session } from 'keyhaven/sync'
import type { Device } from './home.ts'
import { loadSettings } from './settings.ts'
import type { DeviceSettings } from './settings.ts'

/** A device that is signed in. */
export interface SignedInDevice extends Device {
  readonly session: Session
  readonly settings: DeviceSettings
  readonly sync: KeySync
}

/** The device with its session, or `undefined` when it is not signed in. */
export async function openSignedIn(device: Device): Promise<SignedInDevice | undefined> {
  const { vault } = device
  const settings = await loadSettings(vault)
  const session = await openSession({ vault })
  if (settings === undefined || session === undefined) return undefined
  const sync = createKeySync({
    transport: httpTransport({ session }),
    vault,
    configuration: settings.configuration,
    formerConfigurations: listSigned(settings),
  })
  return { ...device, session, settings, sync }
}

/** The same; `ERR_SIGNED_OUT` when it is not signed in. */
export async function requireSignedIn(device: Device): Promise<SignedInDevice> {
  const signedIn = await openSignedIn(device)
  if (signedIn === undefined) throw new KeyhavenError('ERR_SIGNED_OUT', undefined)
  return signedIn
}

/** All configurations of a device's signed document, newest first; none without one. */
export function listSigned({ signed }: DeviceSettings): readonly Configuration[] {
  if (signed === undefined) return []
  const publicKey = parseHex(signed.publicKey, 'publicKey', 32)
  const { configuration, previous } = parseSignedConfiguration(signed.document, { publicKey })
  return [configuration, ...previous]
}
