/**
 * What a script gets that somebody has brought into the page, through a build whose policy lets it in: in device mode every key of
 * the vault; with a password or a passkey nothing while locked, and what is unlocked while open. The device's own key in no case.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { createSite } from '@keyhaven/page'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import { addAuthenticator } from '../testing/authenticator.ts'
import { openPagePlace } from '../testing/page-people.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'

const PASSWORD = 'seven quiet herons 41'

let place: PagePlace

beforeAll(async () => {
  place = await openPagePlace({ makeSite: (options) => weaken(createSite(options)) })
})

/** The page with a script in it, and without the policy that would refuse the script. */
function weaken(site: ReturnType<typeof createSite>): ReturnType<typeof createSite> {
  return async (request) => {
    if (new URL(request.url).pathname !== '/') return site(request)
    const answer = await site(new Request(request.url))
    if (answer === undefined) return undefined
    const headers = new Headers(answer.headers)
    headers.delete('content-security-policy')
    const page = await answer.text()
    return new Response(page.replace('<head>', `<head><script>(${String(bringIn)})()</script>`), { headers })
  }
}

interface Stolen {
  /** Records that the vault gave out, in hex. */
  readonly records: readonly string[]
  /** Everything that lies in the browser's databases, in hex, and keys of the browser that could be taken out of it. */
  readonly stored: readonly string[]
  readonly deviceKeys: number
  readonly deviceKeysOut: number
}

declare global {
  var steal: () => Promise<Stolen>
}

/** Runs on the page before anything of it: listens in on the worker that holds the vault, and asks it, and one of its own. */
function bringIn(): void {
  const workers: Worker[] = []
  const Real = Worker
  let next = 1_000_000
  globalThis.Worker = class extends Real {
    constructor(address: string | URL, options?: WorkerOptions) {
      super(address, options)
      workers.push(this)
    }
  }
  const hex = (bytes: Uint8Array): string =>
    Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const ask = (worker: Worker, body: object): Promise<unknown> =>
    new Promise((resolve) => {
      next += 1
      const id = next
      worker.addEventListener(
        'message',
        ({ data }: MessageEvent<{ kind: string; id: number; value: unknown }>) => {
          if (data.id === id) resolve(data.kind === 'answer' ? data.value : undefined)
        },
      )
      worker.postMessage({ keyhaven: 'vault/1', kind: 'request', id, body })
    })
  const readVault = async (worker: Worker, handle: number): Promise<readonly string[]> => {
    const call = (method: string, ...args: unknown[]): Promise<unknown> =>
      ask(worker, { call: 'method', handle, method, args })
    const list = ((await call('list')) ?? []) as readonly { readonly name: string }[]
    const records = await Promise.all(list.map(({ name }) => call('get', name)))
    return records.map((record) => hex((record as { readonly bytes: Uint8Array }).bytes))
  }
  const openVault = async (address: string): Promise<readonly string[]> => {
    const worker = new Real(address, { type: 'module' })
    const protections = [{ type: 'device', options: {} }]
    const vault = (await ask(worker, { call: 'open', options: { name: 'me', protections } })) as
      { readonly handle: number } | undefined
    const records = vault === undefined ? [] : await readVault(worker, vault.handle)
    worker.terminate()
    return records
  }
  const asked = <Result>(request: IDBRequest<Result>): Promise<Result> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => {
        resolve(request.result)
      }
      request.onerror = () => {
        reject(new Error('a store does not open'))
      }
    })
  const readStores = async (): Promise<Pick<Stolen, 'stored' | 'deviceKeys' | 'deviceKeysOut'>> => {
    const values: unknown[] = []
    for (const { name = '' } of await indexedDB.databases()) {
      const database = await asked(indexedDB.open(name))
      for (const store of database.objectStoreNames)
        values.push(...((await asked(database.transaction(store).objectStore(store).getAll())) as unknown[]))
      database.close()
    }
    const keys = values.filter((value) => value instanceof CryptoKey)
    const out = await Promise.allSettled(keys.map((key) => crypto.subtle.exportKey('raw', key)))
    const stored = values.flatMap((value) => (value instanceof Uint8Array ? [hex(value)] : []))
    const deviceKeysOut = out.filter(({ status }) => status === 'fulfilled').length
    return { stored, deviceKeys: keys.length, deviceKeysOut }
  }
  globalThis.steal = async () => {
    // The page's own, which the page has unlocked or not; then one of the script's own, for what opens by itself.
    const [worker] = workers
    if (worker === undefined) throw new Error('the page has no worker')
    const records = await readVault(worker, 1)
    const address = performance
      .getEntriesByType('resource')
      .find(({ name }) => name.includes('/vault-worker-'))?.name
    if (address === undefined) throw new Error('no vault is served')
    return { records: [...records, ...(await openVault(address))], ...(await readStores()) }
  }
}

const steal = ({ page }: PageDevice): Promise<Stolen> => page.evaluate(() => globalThis.steal())

/** A device with a key of its person's that asks for `way` before it opens; on the step after that. */
async function keepKey(
  way: string,
  password?: string,
): Promise<{ readonly device: PageDevice; readonly key: string }> {
  const key = toHex(randomBytes(32))
  const device = await place.newDevice()
  await addAuthenticator(device.page)
  await device.signIn(randomPhone())
  await device.page.getByText('Bring a key that I have').click()
  await device.fill('Your key', key)
  await device.press('Continue')
  await device.sees('How should this device keep them?')
  await device.page.getByText(way).click()
  if (password !== undefined) await device.fill('New password', password)
  await device.press('Continue')
  await device.sees('Choose a PIN')
  return { device, key }
}

const has = (found: readonly string[], key: string): boolean => found.some((hex) => hex.includes(key))

test('in device mode it gets every key of the vault, with the page’s help and without; not the device’s own key', async () => {
  const { device, key } = await keepKey('This device opens them by itself')
  await device.page.reload()
  await device.sees('Choose a PIN')
  const { records, stored, deviceKeys, deviceKeysOut } = await steal(device)
  expect(records.filter((record) => record.includes(key)).length).toBeGreaterThan(1)
  expect(stored.length).toBeGreaterThan(0)
  expect(has(stored, key)).toBe(false)
  expect([deviceKeys, deviceKeysOut]).toEqual([1, 0])
})

describe.each([
  ['password', 'Ask for a password', PASSWORD],
  ['passkey', 'Ask for my fingerprint, face or security key', undefined],
] as const)('with a %s', (_, way, password) => {
  test('it gets what is unlocked while the vault is open, and nothing while it is locked', async () => {
    const { device, key } = await keepKey(way, password)
    const open = await steal(device)
    expect(has(open.records, key)).toBe(true)
    await device.page.reload()
    await device.sees('Welcome back')
    const locked = await steal(device)
    expect(locked.records).toEqual([])
    expect(locked.stored.length).toBeGreaterThan(0)
    expect(has(locked.stored, key)).toBe(false)
    expect(locked.deviceKeys).toBe(0)
    if (password === undefined) await device.press('Unlock with your passkey')
    else {
      await device.fill('Password of this device', password)
      await device.press('Unlock')
    }
    await device.sees('Choose a PIN')
    expect(has((await steal(device)).records, key)).toBe(true)
  })
})
