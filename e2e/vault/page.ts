/**
 * What the browser tests do on the page, by name; each answers plain JSON for the test to judge.
 */
import { isKeyhavenError } from 'keyhaven'
import {
  browserDeviceProtection,
  combineProtections,
  createVault,
  describeVault,
  indexedDbStorage,
  openVault,
  passwordProtection,
  readPersistence,
} from 'keyhaven/vault'
import type { Protection, Vault, VaultStorage } from 'keyhaven/vault'
import { checkArgon2id } from 'keyhaven/vault/password'
import { checkPasskeys, passkeyProtection } from 'keyhaven/vault/passkey'
import { webStorage } from 'keyhaven/vault/web-storage'
import type { WebStorageArea } from 'keyhaven/vault/web-storage'
import { connectVaults } from 'keyhaven/vault/worker'
import type { VaultWorker } from 'keyhaven/vault/worker'
import { deriveSafetyNumber, openConversationKey, parseIdentity } from 'keyhaven/identity'
import { importNostrKey, signEvent, verifyEvent } from 'keyhaven/nostr'
import { migratePubPay } from 'keyhaven/legacy/pubpay'
import { parseQryptChatRow, rescueQryptChatRow } from 'keyhaven/legacy/qryptchat'

type Kind = 'indexeddb' | 'web-storage' | 'worker'
type ProtectionName = 'device' | 'password' | 'wrong-password' | 'passkey' | 'password+passkey'

const name = 'anna'
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)

function protectionOf(protection: ProtectionName): Protection {
  if (protection === 'device') return browserDeviceProtection()
  if (protection === 'passkey') return passkeyProtection({ userName: 'anna@example' })
  if (protection === 'password+passkey') {
    return combineProtections([protectionOf('password'), protectionOf('passkey')], { label: 'both' })
  }
  const password = protection === 'password' ? 'right' : 'wrong'
  return passwordProtection({ password, memoryKib: 19_456, iterations: 2 })
}

let worker: VaultWorker | undefined
function vaultWorker(): VaultWorker {
  worker ??= connectVaults(new Worker('/worker.js', { type: 'module' }))
  return worker
}

function storageOf(kind: Kind): VaultStorage {
  return kind === 'web-storage' ? webStorage() : indexedDbStorage()
}

function make(kind: Kind, protections: readonly ProtectionName[], replaceEvicted = false): Promise<Vault> {
  const options = { name, protections: protections.map(protectionOf), replaceEvicted }
  if (kind === 'worker') return vaultWorker().createVault(options)
  return createVault({ ...options, storage: storageOf(kind) })
}

function open(kind: Kind, protections: readonly ProtectionName[] = ['device']): Promise<Vault> {
  const options = { name, protections: protections.map(protectionOf) }
  if (kind === 'worker') return vaultWorker().openVault(options)
  return openVault({ ...options, storage: storageOf(kind) })
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    return `no error: ${JSON.stringify(await work())}`
  } catch (error) {
    if (!isKeyhavenError(error)) return error instanceof Error ? error.name : 'unknown'
    const details: unknown = error.details
    return details === undefined ? error.code : `${error.code} ${JSON.stringify(details)}`
  }
}

/** The vault that a test keeps open between two calls. */
let kept: Vault | undefined
function keptVault(): Vault {
  if (kept === undefined) throw new Error('no vault is kept')
  return kept
}

async function rawDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('keyhaven')
    request.onsuccess = () => {
      resolve(request.result)
    }
    request.onerror = () => {
      reject(new Error('open'))
    }
  })
}

async function rawAll(store: string): Promise<{ keys: unknown[]; values: unknown[] }> {
  const database = await rawDatabase()
  const objects = database.transaction(store).objectStore(store)
  const all = <T>(request: IDBRequest<T[]>): Promise<unknown[]> =>
    new Promise((resolve) => {
      request.onsuccess = () => {
        resolve(request.result)
      }
    })
  const [keys, values] = await Promise.all([all(objects.getAllKeys()), all(objects.getAll())])
  database.close()
  return { keys, values }
}

/** A storage area that fails at its n-th change, for a moment, as one whose quota is used up. */
function failingArea(at: number): WebStorageArea & { changes: number } {
  const area = {
    changes: 0,
    get length() {
      return localStorage.length
    },
    key: (index: number) => localStorage.key(index),
    getItem: (key: string) => localStorage.getItem(key),
    setItem: (key: string, value: string) => {
      strike()
      localStorage.setItem(key, value)
    },
    removeItem: (key: string) => {
      strike()
      localStorage.removeItem(key)
    },
  }
  const strike = (): void => {
    area.changes += 1
    if (area.changes === at) throw new DOMException('full', 'QuotaExceededError')
  }
  return area
}

const scenarios = {
  create: async (kind: Kind, protections: ProtectionName[], replaceEvicted = false) => {
    kept = await make(kind, protections, replaceEvicted)
    await kept.put('nostr', { type: 'note', bytes: encode('secret of anna') })
    return kept.state()
  },
  open: async (kind: Kind, protections?: ProtectionName[]) => {
    kept = await open(kind, protections)
    return kept.state()
  },
  /** What a page needs at least: a name. */
  byNameAlone: async () => {
    await (await createVault({ name })).put('nostr', { type: 'note', bytes: encode('by name') })
    return decode((await (await openVault({ name })).get('nostr'))?.bytes)
  },
  state: () => keptVault().state(),
  lock: () => {
    keptVault().lock()
  },
  unlock: async (protection: ProtectionName) => (await keptVault().unlock(protectionOf(protection))).status,
  unlockCode: (protection: ProtectionName) => codeOf(() => keptVault().unlock(protectionOf(protection))),
  add: (protection: ProtectionName) => codeOf(() => keptVault().addProtection(protectionOf(protection))),
  get: async () => decode((await keptVault().get('nostr'))?.bytes),
  getCode: () => codeOf(() => keptVault().get('nostr')),
  list: async () => (await keptVault().list()).map((record) => record.name),
  protections: () => keptVault().protections(),
  forgetDevice: () => keptVault().forgetDevice(),
  destroy: () => keptVault().destroy(),
  describe: async (kind: Kind) =>
    kind === 'worker'
      ? (await vaultWorker().describeVault({ name })).status
      : (await describeVault({ name, storage: storageOf(kind) })).status,
  createCode: (kind: Kind, protections: ProtectionName[]) => codeOf(() => make(kind, protections)),
  openCode: (kind: Kind) => codeOf(() => open(kind)),
  argon2id: () => checkArgon2id(),
  /** What a conversation key's message opens to here, and the safety number of sender and member. Bytes are lists. */
  conversationKey: async (vector: {
    readonly sender: readonly number[]
    readonly member: readonly number[]
    readonly conversation: string
    readonly message: readonly number[]
  }) => {
    const [sender, identity] = await Promise.all(
      [vector.sender, vector.member].map((bytes) => parseIdentity(Uint8Array.from(bytes))),
    )
    if (sender === undefined || identity === undefined) throw new Error('two identities')
    const { publicIdentity } = sender
    const opened = await openConversationKey({
      identity,
      sender: publicIdentity,
      conversation: vector.conversation,
      message: Uint8Array.from(vector.message),
    })
    const number = deriveSafetyNumber(publicIdentity.fingerprint, identity.publicIdentity.fingerprint)
    return { key: opened.status === 'opened' ? [...opened.key] : opened.status, number }
  },
  passkeys: () => checkPasskeys(),
  /** What is asked of the authenticator at an unlocking, and what is left of the PRF's answer after it. */
  watchedPasskey: async () => {
    const asked: PublicKeyCredentialRequestOptions[] = []
    const get = navigator.credentials.get.bind(navigator.credentials)
    navigator.credentials.get = (options) => {
      if (options?.publicKey) asked.push(options.publicKey)
      return get(options)
    }
    const outputs: Uint8Array[] = []
    const { prototype } = PublicKeyCredential
    const results = Object.getOwnPropertyDescriptor(prototype, 'getClientExtensionResults')
    const real = results?.value as (this: PublicKeyCredential) => AuthenticationExtensionsClientOutputs
    prototype.getClientExtensionResults = function () {
      const result = real.call(this)
      const first = result.prf?.results?.first
      if (first instanceof ArrayBuffer) outputs.push(new Uint8Array(first))
      return result
    }
    await keptVault().unlock(protectionOf('passkey'))
    await keptVault().unlock(protectionOf('passkey'))
    return {
      asked: asked.map(({ userVerification, rpId, allowCredentials, challenge }) => {
        const bytes = ArrayBuffer.isView(challenge) ? challenge : new Uint8Array(challenge)
        return { userVerification, rpId, credentials: allowCredentials?.length, challenge: bytes.byteLength }
      }),
      challenges: new Set(asked.map(({ challenge }) => new Uint8Array(challenge as Uint8Array).join())).size,
      outputs: outputs.map((output) => ({
        length: output.length,
        wiped: output.every((byte) => byte === 0),
      })),
    }
  },
  /** An authenticator that answers without having verified its user, though it was told to. */
  unverifiedPasskey: () => {
    const { prototype } = AuthenticatorAssertionResponse
    const real = Object.getOwnPropertyDescriptor(prototype, 'authenticatorData')
    Object.defineProperty(prototype, 'authenticatorData', {
      get(this: AuthenticatorAssertionResponse) {
        const data = new Uint8Array(real?.get?.call(this) as ArrayBuffer).slice()
        data[32] = (data[32] ?? 0) & ~0x04
        return data.buffer
      },
    })
    return codeOf(() => keptVault().unlock(protectionOf('passkey')))
  },
  /** Two ceremonies at once, then the one that waits is aborted: with a reason that must not be shown. */
  abortedPasskey: async () => {
    const abort = new AbortController()
    const protection = passkeyProtection({ userName: 'anna@example', signal: abort.signal })
    const waiting = codeOf(() => keptVault().unlock(protection))
    await new Promise((resolve) => setTimeout(resolve, 200))
    const second = await codeOf(() => keptVault().unlock(protectionOf('passkey')))
    abort.abort(new Error('CANARY'))
    return [await waiting, second, keptVault().state()]
  },
  /** A person who does not come: at an unlocking, and when a passkey is to be made. */
  latePasskey: async () => {
    const late = passkeyProtection({ userName: 'anna@example', timeoutMs: 300 })
    const unlocking = await codeOf(() => keptVault().unlock(late))
    const making = await codeOf(() => createVault({ name: 'late', protections: [late] }))
    return [unlocking, making, keptVault().state()]
  },
  unlockSlot: async (protection: ProtectionName, id: string) =>
    (await keptVault().unlock(protectionOf(protection), id)).status,
  persistence: () => readPersistence(),
  secure: () => globalThis.isSecureContext,
  openWithAutoLock: async (autoLock: { idleMs?: number; onPageHide?: boolean }) => {
    const protections = [browserDeviceProtection()]
    kept = await openVault({ name, storage: indexedDbStorage(), protections, autoLock })
  },
  hidePage: () => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  },
  writeMany: async (prefix: string, count: number) => {
    const vault = keptVault()
    const names = Array.from({ length: count }, (_, index) => `${prefix} ${String(index)}`)
    await Promise.all(names.map((each) => vault.put(each, { type: 'note', bytes: encode(each) })))
  },
  readMany: async () => {
    const vault = keptVault()
    const read = (await vault.list()).map(async (record) => decode((await vault.get(record.name))?.bytes))
    return Promise.all(read)
  },
  bigBatch: async (count: number) => {
    const records = Array.from(
      { length: count },
      (_, index) => [`k ${String(index)}`, { type: 'note', bytes: encode(String(index)) }] as const,
    )
    await keptVault().write(new Map(records))
    return (await keptVault().list()).length
  },
  /** Tries every way that WebCrypto has to take the device keys out. */
  exportDeviceKeys: async () => {
    const { values } = await rawAll('device-keys')
    const outcomes: string[] = []
    for (const key of values as CryptoKey[]) {
      const wrapping = await crypto.subtle.generateKey({ name: 'AES-KW', length: 256 }, true, ['wrapKey'])
      outcomes.push(String(key.extractable))
      outcomes.push(await codeOf(() => crypto.subtle.exportKey('raw', key)))
      outcomes.push(await codeOf(() => crypto.subtle.exportKey('jwk', key)))
      outcomes.push(await codeOf(() => crypto.subtle.wrapKey('raw', key, wrapping, 'AES-KW')))
    }
    return outcomes
  },
  /** All bytes of the vaults, without the device keys: what a copy of them is. */
  copyBlobs: async () => {
    const { keys, values } = await rawAll('blobs')
    return keys.map((key, index) => [key, [...(values[index] as Uint8Array)]] as [[string, string], number[]])
  },
  pasteBlobs: async (blobs: [[string, string], number[]][]) => {
    await describeVault({ name, storage: indexedDbStorage() })
    const database = await rawDatabase()
    const transaction = database.transaction('blobs', 'readwrite')
    for (const [key, bytes] of blobs) transaction.objectStore('blobs').put(Uint8Array.from(bytes), key)
    await new Promise((resolve) => {
      transaction.oncomplete = resolve
    })
    database.close()
  },
  deleteDatabase: () =>
    new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase('keyhaven')
      request.onsuccess = () => {
        resolve()
      }
      request.onerror = () => {
        reject(new Error('delete'))
      }
    }),
  leftInStorage: async () => ({
    local: Object.keys(localStorage),
    blobs: (await rawAll('blobs')).keys.length,
    deviceKeys: (await rawAll('device-keys')).keys.length,
  }),
  /** A write cut short at each of its changes of localStorage: the old state, or the new one. */
  cutWebStorage: async () => {
    const protections = [protectionOf('device')]
    const outcomes: string[] = []
    for (let at = 1; ; at += 1) {
      localStorage.clear()
      const whole = await createVault({ name, storage: webStorage(), protections })
      await whole.put('a', { type: 'note', bytes: encode('old') })
      const area = failingArea(at)
      const vault = await openVault({ name, storage: webStorage({ area }), protections })
      const code = await codeOf(() => vault.put('a', { type: 'note', bytes: encode('new') }))
      const after = await openVault({ name, storage: webStorage(), protections })
      outcomes.push(`${code} ${decode((await after.get('a'))?.bytes)}`)
      await after.put('b', { type: 'note', bytes: encode('on') })
      await after.destroy()
      if (localStorage.length > 0) throw new Error('left behind')
      if (area.changes < at) return outcomes
    }
  },
  nostr: async () => {
    const vault = keptVault()
    const nsec = 'nsec1fvpdntdjjyetgseeajhd7xh8q7hnmf3r3fq0w6mwcd59jn2a62xqqhvm7g'
    await importNostrKey({ vault, key: { as: 'nsec', text: nsec }, record: 'key' })
    const event = { kind: 1, created_at: 1, tags: [], content: 'hello' }
    return verifyEvent(await signEvent({ vault, event, record: 'key' }))
  },
  migrate: async (entries: Record<string, string | null>) => {
    for (const [key, value] of Object.entries(entries)) if (value !== null) localStorage.setItem(key, value)
    const outcome = await migratePubPay({ vault: keptVault(), localStorage, sessionStorage, record: 'moved' })
    return { outcome, left: Object.keys(entries).filter((key) => localStorage.getItem(key) !== null) }
  },
  /** The names of what a row holds, with the lengths of its keys; and the largest share of the search that was told. */
  rescue: async (row: string, pin: string) => {
    const shares: number[] = []
    const onProgress = ({ done, total }: { readonly done: number; readonly total: number }): void =>
      void shares.push(done / total)
    const rescue = await rescueQryptChatRow({ row: parseQryptChatRow(row), pin, onProgress })
    if (rescue.status !== 'rescued') return { status: rescue.status, keys: {}, told: shares.length }
    const keys = Object.entries({ ...rescue.keys.identityKeys, ...rescue.keys.conversationKeys })
    const sizes = Object.fromEntries(keys.map(([key, { length }]) => [key, length]))
    return { status: rescue.status, keys: sizes, told: shares.length }
  },
  /** Later, because what the test's own call runs at once is exempt from the policy. */
  evaluatesText: () =>
    codeOf(
      () =>
        new Promise((resolve, reject) => {
          setTimeout(() => {
            try {
              // oxlint-disable-next-line typescript/no-implied-eval, typescript/no-unsafe-call -- it must be refused
              resolve(Function('return 1')())
            } catch (error) {
              reject(error instanceof Error ? error : new Error('unknown'))
            }
          })
        }),
    ),
  connects: () => codeOf(() => fetch('/page.js')),
  /** Writes for as long as the browser lives, naming each record that is done. */
  writeForever: async () => {
    const vault = keptVault()
    for (let index = 0; ; index += 1) {
      const each = `done ${String(index)}`
      await vault.write(new Map(['a', 'b', 'c'].map((part) => [part, { type: 'note', bytes: encode(each) }])))
      document.title = each
    }
  },
}

export type Scenarios = typeof scenarios
Object.assign(globalThis, { scenarios })
