/**
 * Device protection in a browser: a non-extractable AES-GCM key in IndexedDB. No prompt.
 *
 * Script in the page can use the key, though not copy it away; and whoever copies the browser's profile has it all. So
 * this keeps the vault from other origins and from a copy of the vault's bytes alone. Add a password or a passkey, or
 * use them instead, where more is needed.
 */
import { openAead, sealAead } from '../../crypto/aead.ts'
import { concat, lp, randomBytes, toHex } from '../../crypto/bytes.ts'
import { isKeyhavenError } from '../../errors.ts'
import type { FactorContext, FactorOutcome, Protection } from '../protection.ts'
import { deleteDeviceKey, readDeviceKey, writeDeviceKey } from '../storage/indexeddb.ts'
import { DEVICE_PROVIDERS, isProvider } from './device-parameters.ts'
import { notePortable } from './portable.ts'

const DATABASE = 'keyhaven'
const SECRET_LENGTH = 32
const NONCE_LENGTH = 12

export interface BrowserDeviceOptions {
  /** The database's name; `keyhaven` unless told. */
  readonly database?: string
  readonly label?: string
}

/** A device protection that opens without a prompt, by a key that cannot be exported. */
export function browserDeviceProtection(options: BrowserDeviceOptions = {}): Protection {
  const database = options.database ?? DATABASE
  const protection: Protection = {
    label: options.label,
    factors: [
      {
        type: 'device',
        prompts: false,
        matches: (parameters) => isProvider(parameters, 'indexeddb'),
        enroll: (context) => enroll(database, context),
        open: (context) => open(database, context),
        forget: ({ slotId }) => deleteDeviceKey(database, toHex(slotId)),
      },
    ],
  }
  notePortable(protection, { type: 'device', options })
  return protection
}

async function enroll(
  database: string,
  context: FactorContext,
): Promise<{ readonly parameters: Uint8Array; readonly secret: Uint8Array }> {
  const algorithm = { name: 'AES-GCM', length: 256 }
  const key = await crypto.subtle.generateKey(algorithm, false, ['encrypt', 'decrypt'])
  await writeDeviceKey(database, toHex(context.slotId), key)
  const secret = randomBytes(SECRET_LENGTH)
  const nonce = randomBytes(NONCE_LENGTH)
  const sealed = await sealAead({ key, nonce, associatedData: bind(context) }, secret)
  return { parameters: concat(Uint8Array.of(DEVICE_PROVIDERS.indexeddb), nonce, sealed), secret }
}

/** A key that does not open what it sealed is another key: the slot was altered, or the key replaced. */
async function open(
  database: string,
  context: FactorContext & { readonly parameters: Uint8Array },
): Promise<FactorOutcome> {
  const key = await readDeviceKey(database, toHex(context.slotId))
  if (key === undefined) return { status: 'unavailable' }
  const nonce = context.parameters.subarray(1, 1 + NONCE_LENGTH)
  const sealed = context.parameters.subarray(1 + NONCE_LENGTH)
  try {
    const secret = await openAead({ key, nonce, associatedData: bind(context) }, sealed)
    return { status: 'opened', secret }
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_ENVELOPE_REJECTED')) return { status: 'unavailable' }
    throw error
  }
}

function bind({ vaultId, slotId }: FactorContext): Uint8Array {
  return concat(lp('keyhaven/vault/device/v1'), lp(vaultId), lp(slotId))
}
