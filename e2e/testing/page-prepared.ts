/**
 * Devices of the page that are set up already: a program beside the page signs in, makes keys and the first backup by the
 * same calls, and its vault is put into a browser's database, where the page finds it as after a reload. For tests that
 * begin after the set-up; `setUp` goes through its screens.
 */
import type { BrowserContextOptions } from 'playwright-core'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { generateIdentity, writeIdentity } from 'keyhaven/identity'
import { createVault } from 'keyhaven/vault'
import type { Protection } from 'keyhaven/vault'
import { sealAead } from '../../packages/keyhaven/src/crypto/aead.ts'
import { concat, lp } from '../../packages/keyhaven/src/crypto/bytes.ts'
import type { FactorContext } from '../../packages/keyhaven/src/vault/protection.ts'
import { DEVICE_PROVIDERS } from '../../packages/keyhaven/src/vault/protection/device-parameters.ts'
import { mapStorage } from '../../packages/keyhaven/src/vault/testing/map-storage.ts'
import { PIN, signInBeside } from './page-people.ts'
import type { PageDevice, PagePlace } from './page-people.ts'

/** As packages/page/src/web/device has them. */
const VAULT = 'me'
const IDENTITY = 'identity'

/** What a browser keeps of a device, in hex. */
interface Kept {
  readonly blobs: readonly (readonly [name: string, bytes: string])[]
  readonly slot: string
  readonly deviceKey: string
}

/** A new device of a new account, set up and on the home screen. */
export async function newSetUpDevice(
  place: PagePlace,
  phone: string,
  { pin = PIN, ...options }: BrowserContextOptions & { readonly pin?: string } = {},
): Promise<PageDevice> {
  const kept = await prepare(place.address, phone, pin)
  const device = await place.newDevice({ ...options, at: '/icon.svg' })
  await device.page.evaluate(keep, { ...kept, vault: VAULT })
  await device.page.goto(place.address)
  await device.page.getByText('Everything is backed up').waitFor()
  return device
}

/** An account with an identity and a backup. */
async function prepare(origin: string, phone: string, pin: string): Promise<Kept> {
  const blobs = new Map<string, Uint8Array>()
  const { protection, kept } = deviceKeyBeside()
  const vault = await createVault({ name: VAULT, storage: mapStorage(blobs), protections: [protection] })
  const sync = await signInBeside(origin, phone, { deviceLabel: 'Chrome · Linux', vault })
  const identity = writeIdentity(await generateIdentity())
  await sync.keys.importKeys({ identityKeys: { [IDENTITY]: identity }, conversationKeys: {} })
  const { status } = await sync.backup({ pin })
  if (status !== 'backed-up') throw new Error(status)
  return { blobs: [...blobs].map(([name, bytes]) => [name, toHex(bytes)] as const), ...kept() }
}

/** What `browserDeviceProtection` does, with a key that is put into the browser later. */
function deviceKeyBeside(): { readonly protection: Protection; readonly kept: () => Omit<Kept, 'blobs'> } {
  const key = randomBytes(32)
  let slot = ''
  const enroll = async ({
    vaultId,
    slotId,
  }: FactorContext): Promise<{ parameters: Uint8Array; secret: Uint8Array }> => {
    slot = toHex(slotId)
    const [secret, nonce] = [randomBytes(32), randomBytes(12)]
    const associatedData = concat(lp('keyhaven/vault/device/v1'), lp(vaultId), lp(slotId))
    const sealed = await sealAead({ key, nonce, associatedData }, secret)
    return { parameters: concat(Uint8Array.of(DEVICE_PROVIDERS.indexeddb), nonce, sealed), secret }
  }
  const open = (): Promise<{ status: 'unavailable' }> => Promise.resolve({ status: 'unavailable' })
  return {
    protection: { factors: [{ type: 'device', prompts: false, matches: () => false, enroll, open }] },
    kept: () => ({ slot, deviceKey: toHex(key) }),
  }
}

/** Runs on the page: makes the database of `indexedDbStorage`, with a device key that cannot be exported. */
async function keep({ vault, blobs, slot, deviceKey }: Kept & { readonly vault: string }): Promise<void> {
  const bytesOf = (hex: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
  const key = await crypto.subtle.importKey('raw', bytesOf(deviceKey), 'AES-GCM', false, [
    'encrypt',
    'decrypt',
  ])
  await new Promise<void>((resolve, reject) => {
    const opening = indexedDB.open('keyhaven', 1)
    opening.onupgradeneeded = () => {
      const store = opening.result.createObjectStore('blobs')
      for (const [name, bytes] of blobs) store.put(bytesOf(bytes), [vault, name])
      opening.result.createObjectStore('device-keys').put(key, slot)
    }
    opening.onerror = () => {
      reject(new Error('the database does not open'))
    }
    opening.onsuccess = () => {
      opening.result.close()
      resolve()
    }
  })
}
