/** The page of the browser bench: the vault's device mode beside PubPay's own steps, and what IndexedDB alone takes. */
import { createVault, openVault } from 'keyhaven/vault'
import type { Vault } from 'keyhaven/vault'

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

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result)
    }
    request.onerror = () => {
      reject(new Error('IndexedDB'))
    }
  })
}

/** What every vault in IndexedDB must do: open the database, and read one value. */
async function readOneValue(): Promise<IDBDatabase> {
  const database = await answerOf(indexedDB.open('keyhaven'))
  await answerOf(database.transaction('blobs').objectStore('blobs').get(['v', 'head']))
  return database
}

async function openAndGet(): Promise<Vault> {
  const vault = await openVault({ name: 'v' })
  await vault.get('nostr')
  return vault
}

/** The time of the work alone; what it opened is closed after it, so that rounds do not pile up. */
async function timed<T>(work: () => Promise<T>, end?: (result: T) => void): Promise<number> {
  const start = performance.now()
  const result = await work()
  const took = performance.now() - start
  end?.(result)
  return took
}

const works = {
  ours: () =>
    timed(openAndGet, (vault) => {
      vault.lock()
    }),
  pubpay: () => timed(openAsPubPayDoes),
  open: () =>
    timed(
      () => answerOf(indexedDB.open('keyhaven')),
      (database) => {
        database.close()
      },
    ),
  read: () =>
    timed(readOneValue, (database) => {
      database.close()
    }),
}

Object.assign(globalThis, {
  prepare: async (entries: Record<string, string | null>) => {
    for (const [key, value] of Object.entries(entries)) if (value !== null) localStorage.setItem(key, value)
    const vault = await createVault({ name: 'v' })
    await vault.put('nostr', { type: 'nostr-secret-key', bytes: new Uint8Array(32) })
  },
  measure: (what: keyof typeof works) => works[what](),
})
