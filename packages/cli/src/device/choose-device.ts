/** Finds the device that a person means by its id, the beginning of that, or its name. What was typed is not repeated. */
import type { SyncDevice } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'

/** The one device that is meant; `ERR_DEVICE_UNKNOWN` for none, `ERR_DEVICE_AMBIGUOUS` for more than one. */
export function chooseDevice(devices: readonly SyncDevice[], typed: string): SyncDevice {
  const named = devices.filter(({ label }) => label === typed)
  const begun = /^[0-9a-f]{4,32}$/.test(typed) ? devices.filter(({ id }) => id.startsWith(typed)) : []
  const [found, another] = begun.length > 0 ? begun : named
  if (found === undefined) throw unknownDevice()
  if (another === undefined) return found
  throw new CommandError(
    'ERR_DEVICE_AMBIGUOUS',
    'More than one device is called that; name it by its id, which "keyhaven devices list" shows.',
  )
}

/** The fault of a device that is not there. */
export function unknownDevice(): CommandError {
  return new CommandError(
    'ERR_DEVICE_UNKNOWN',
    'There is no such device; "keyhaven devices list" shows those that there are.',
  )
}
