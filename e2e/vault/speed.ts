/** The page of the browser bench: the vault's device mode beside PubPay's own steps, and IndexedDB's own opening time. */
import { createVault, openVault } from 'keyhaven/vault'

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

/** PubPay's decryptWithDeviceKey. */
async function openAsPubPayDoes(): Promise<ArrayBuffer> {
  const deviceKey = localStorage.getItem('_dk') ?? ''
  const material = await crypto.subtle.importKey('raw', encode(deviceKey), { name: 'PBKDF2' }, false, [
    'deriveKey',
  ])
  const salt = encode('pubpay-device-salt')
  const derivation = { name: 'PBKDF2', salt, iterations: 100_000, hash: 'SHA-256' }
  const algorithm = { name: 'AES-GCM', length: 256 }
  const key = await crypto.subtle.deriveKey(derivation, material, algorithm, false, ['encrypt', 'decrypt'])
  const stored = JSON.parse(localStorage.getItem('privateKey') ?? '{}') as { encrypted: string; iv: string }
  const bytes = (text: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  return crypto.subtle.decrypt({ name: 'AES-GCM', iv: bytes(stored.iv) }, key, bytes(stored.encrypted))
}

function openDatabase(): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('keyhaven')
    request.onsuccess = () => {
      request.result.close()
      resolve()
    }
    request.onerror = () => {
      reject(new Error('open'))
    }
  })
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const works = {
  ours: async () => (await openVault({ name: 'v' })).get('nostr'),
  pubpay: openAsPubPayDoes,
  database: openDatabase,
}

Object.assign(globalThis, {
  prepare: async (entries: Record<string, string | null>) => {
    for (const [key, value] of Object.entries(entries)) if (value !== null) localStorage.setItem(key, value)
    const vault = await createVault({ name: 'v' })
    await vault.put('nostr', { type: 'nostr-secret-key', bytes: new Uint8Array(32) })
  },
  measure: (what: keyof typeof works) => timed(works[what]),
})
