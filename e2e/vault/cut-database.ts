/**
 * Steps in the life of a vault in IndexedDB that are cut short at a chosen call of the database, and the two states that
 * may come of each. On the page; counts every call that the vault makes.
 */
import { browserDeviceProtection, createVault, describeVault, openVault } from 'keyhaven/vault'
import type { Protection, Vault } from 'keyhaven/vault'

export type Step = 'create' | 'write' | 'change-protection' | 'remove-device-key' | 'destroy'
/** `throw`: the call fails. `abort`: it is made, and its transaction ends. `stop`: the page does nothing ever after. */
export type Blow = 'throw' | 'abort' | 'stop'

const name = 'cut'
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const record = (text: string): { type: string; bytes: Uint8Array } => ({ type: 'note', bytes: encode(text) })

/** A way in whose secret is its name, so that hundreds of unlocks cost nothing; its parameters pretend to be a password's. */
function way(text: string): Protection {
  const parameters = Uint8Array.of(1, 0, 0, 0x4c, 0, 0, 0, 0, 2, 1, ...new Uint8Array(16))
  const secret = (): Uint8Array => encode(text.padEnd(32))
  return {
    factors: [
      {
        type: 'password',
        prompts: true,
        matches: () => true,
        enroll: () => Promise.resolve({ parameters, secret: secret() }),
        open: () => Promise.resolve({ status: 'opened', secret: secret() }),
      },
    ],
  }
}

let calls = 0
let strikeAt = Infinity
let blow: Blow = 'throw'

/** Puts the counter around each function of IndexedDB that changes or begins anything. */
function watch(prototype: object, method: string): void {
  const real = Reflect.get(prototype, method) as (this: unknown, ...args: unknown[]) => unknown
  const counted = function (this: unknown, ...args: unknown[]): unknown {
    calls += 1
    if (calls !== strikeAt) return noteConnection(real.apply(this, args))
    if (blow === 'throw') throw new DOMException('struck', 'UnknownError')
    const result = real.apply(this, args)
    if (blow === 'abort') abort(this, result)
    else {
      // oxlint-disable-next-line no-console -- the one thing that the test hears of a page which then stops
      console.log('struck')
      for (;;);
    }
    return result
  }
  Reflect.set(prototype, method, counted)
}

const connections = new Set<IDBDatabase>()

function noteConnection(result: unknown): unknown {
  if (result instanceof IDBOpenDBRequest) {
    result.addEventListener('success', () => connections.add(result.result))
  }
  return result
}

/** So that the next step opens the database anew, as a fresh page does. */
function dropConnections(): void {
  for (const connection of connections) connection.dispatchEvent(new Event('versionchange'))
  connections.clear()
}

function abort(target: unknown, result: unknown): void {
  if (result instanceof IDBTransaction) result.abort()
  else if (target instanceof IDBObjectStore) target.transaction.abort()
}

watch(IDBFactory.prototype, 'open')
watch(IDBDatabase.prototype, 'transaction')
for (const method of ['put', 'delete', 'get', 'getAllKeys']) watch(IDBObjectStore.prototype, method)

async function unlocked(password: string, protections: readonly Protection[]): Promise<Vault> {
  const vault = await openVault({ name, protections })
  const { status } = await vault.unlock(way(password))
  if (status !== 'unlocked') throw new Error(status)
  return vault
}

/** Who can delete the device key that the step removes. */
function keepersOf(step: Step): readonly Protection[] {
  return step === 'remove-device-key' ? [browserDeviceProtection()] : []
}

/** What is there before the step. */
export async function prepareCut(step: Step): Promise<void> {
  if ((await describeVault({ name })).status === 'present')
    await (await openVault({ name, protections: keepersOf(step) })).destroy()
  if (step === 'create') return
  const device = step === 'remove-device-key' ? [browserDeviceProtection({ label: 'device' })] : []
  const vault = await createVault({ name, protections: [way('old'), ...device] })
  await vault.write(new Map(['a', 'b', 'c'].map((each) => [each, record('old')])))
}

/** Does the step with the blow at its call number `at`, from 1; how it ended, and how many calls it made. */
export async function runCut(
  step: Step,
  at: number,
  kind: Blow,
): Promise<{ readonly outcome: string; readonly calls: number }> {
  const work = step === 'create' ? undefined : await unlocked('old', keepersOf(step))
  dropConnections()
  blow = kind
  strikeAt = calls + at
  const before = calls
  try {
    await change(step, work)
    return { outcome: 'done', calls: calls - before }
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : 'unknown'
    return { outcome: String(code), calls: calls - before }
  } finally {
    strikeAt = Infinity
  }
}

async function change(step: Step, vault: Vault | undefined): Promise<void> {
  if (vault === undefined) await createVault({ name, protections: [way('new')] })
  else if (step === 'destroy') await vault.destroy()
  else if (step === 'remove-device-key') {
    const device = (await vault.protections()).find(({ label }) => label === 'device')
    await vault.removeProtection(device?.id ?? '')
  } else if (step === 'change-protection') {
    const [old] = await vault.protections()
    await vault.changeProtection(old?.id ?? '', way('new'))
  } else {
    await vault.write(
      new Map([
        ['a', record('new')],
        ['b', null],
        ['d', record('new')],
      ]),
    )
  }
}

/** Reads the whole state, as old or new, and whether the vault can be used on; anything else is thrown. */
export async function judgeCut(step: Step): Promise<'old' | 'new'> {
  const there = (await describeVault({ name })).status === 'present'
  if (step === 'destroy') return there ? 'old' : 'new'
  if (step === 'create' && !there) return 'old'
  if (step === 'remove-device-key') return judgeDeviceKey()
  const [old, changed] = [await opens('old'), await opens('new')]
  if ((old === undefined) === (changed === undefined))
    throw new Error('neither or both protections open the vault')
  const vault = old ?? changed
  if (vault === undefined) throw new Error('unreachable')
  const state = step === 'write' ? await readState(vault) : old === undefined ? 'new' : 'old'
  await vault.put('after', record('after'))
  return state
}

/** The vault opens by its other protection; and after one more write its device key is there just if its slot is. */
async function judgeDeviceKey(): Promise<'old' | 'new'> {
  const vault = await unlocked('old', [browserDeviceProtection()])
  await vault.put('after', record('after'))
  const slots = (await vault.protections()).filter(({ label }) => label === 'device').length
  const keys = await countDeviceKeys()
  if (keys !== slots) throw new Error(`${String(keys)} device keys for ${String(slots)} slots`)
  return slots === 1 ? 'old' : 'new'
}

function countDeviceKeys(): Promise<number> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('keyhaven')
    opening.onerror = () => {
      reject(new Error('the database does not open'))
    }
    opening.onsuccess = () => {
      const counting = opening.result.transaction('device-keys').objectStore('device-keys').count()
      counting.onsuccess = () => {
        opening.result.close()
        resolve(counting.result)
      }
    }
  })
}

async function opens(password: string): Promise<Vault | undefined> {
  const vault = await openVault({ name, protections: [] })
  return (await vault.unlock(way(password))).status === 'unlocked' ? vault : undefined
}

async function readState(vault: Vault): Promise<'old' | 'new'> {
  const found: string[] = []
  for (const { name: each } of await vault.list()) {
    found.push(`${each}=${new TextDecoder().decode((await vault.get(each))?.bytes)}`)
  }
  if (found.join() === 'a=old,b=old,c=old') return 'old'
  if (found.join() === 'a=new,c=old,d=new') return 'new'
  throw new Error('the records are neither the old nor the new ones')
}

/** Cuts the step at each of its calls in turn; the states and ends that came of it. */
export async function cutEverywhere(step: Step, kind: 'throw' | 'abort'): Promise<readonly string[]> {
  const ends: string[] = []
  for (let at = 1; ; at += 1) {
    await prepareCut(step)
    const { outcome, calls: made } = await runCut(step, at, kind)
    ends.push(`${outcome} ${await judgeCut(step)}`)
    if (made < at) return ends
  }
}

Object.assign(globalThis, { cuts: { prepareCut, runCut, judgeCut, cutEverywhere } })
