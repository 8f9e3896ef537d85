/**
 * This device, as the page works with it: its vault in a worker, its session, and key sync. Everything that Keyhaven does
 * for a person goes through the functions of this file and of its neighbours, which use nothing but the public API.
 */
import { isKeyhavenError } from 'keyhaven'
import { toHex, randomBytes } from 'keyhaven/crypto'
import { parseConfiguration } from 'keyhaven/recovery'
import { createKeySync, httpTransport, openSession, requestSignInCode, signIn } from 'keyhaven/sync'
import type { KeySync, Session } from 'keyhaven/sync'
import { browserDeviceProtection, passwordProtection } from 'keyhaven/vault'
import type { Protection, ProtectionSummary, Vault } from 'keyhaven/vault'
import { connectVaults } from 'keyhaven/vault/worker'
import type { VaultWorker } from 'keyhaven/vault/worker'
import { trustedScript } from '../trusted-scripts.ts'
import { IN_MEMORY } from './places.ts'
import { argon2id, scrypt } from './stretching.ts'
import address from './vault-worker.ts?worker&url'

const NAME = 'me'

/** The vault of this device, as it is found when the page opens. */
export type Found =
  | { readonly status: 'none' }
  | { readonly status: 'evicted' }
  | { readonly status: 'locked'; readonly vault: Vault; readonly protections: readonly ProtectionSummary[] }
  | { readonly status: 'open'; readonly vault: Vault }

/** A signed-in device. */
export interface Device {
  readonly vault: Vault
  readonly session: Session
  readonly sync: KeySync
  /** True where nothing is kept on this computer. */
  readonly inMemory: boolean
}

let connected: VaultWorker | undefined

function vaults(): VaultWorker {
  connected ??= connectVaults(startWorker())
  return connected
}

function startWorker(): Worker {
  const worker = new Worker(trustedScript(address), { type: 'module' })
  // One that did not load is started again when it is needed next.
  worker.addEventListener('error', () => {
    connected = undefined
  })
  return worker
}

/** Opens what needs nobody. */
export async function findVault(): Promise<Found> {
  const found = await vaults().describeVault({ name: NAME })
  if (found.status === 'missing') return { status: 'none' }
  if (found.status === 'evicted') return { status: 'evicted' }
  const vault = await vaults().openVault({ name: NAME, protections: [browserDeviceProtection()] })
  if (vault.state() === 'unlocked') return { status: 'open', vault }
  return { status: 'locked', vault, protections: found.protections }
}

/** A new vault: opened by this browser alone at first, or in memory under a password that nobody knows. */
export async function makeVault(options: { readonly inMemory: boolean }): Promise<Vault> {
  if (!options.inMemory) {
    return vaults().createVault({
      name: NAME,
      protections: [browserDeviceProtection()],
      replaceEvicted: true,
    })
  }
  const protection = passwordProtection({ password: randomBytes(32), memoryKib: 19_456, iterations: 2 })
  return vaults().createVault({
    name: toHex(randomBytes(8)),
    database: IN_MEMORY,
    inMemory: true,
    protections: [protection],
  })
}

/** The server is the one that the page came from. With the vault of a device that was signed in before, as that device. */
export function askForCode(asked: {
  readonly phone: string
  readonly level?: string
  readonly vault?: Vault | undefined
}): Promise<{ readonly requestId: string }> {
  const { vault, ...rest } = asked
  return requestSignInCode({ origin: location.origin, ...rest, ...(vault && { vault }) })
}

export async function enterCode(input: {
  readonly vault: Vault
  readonly inMemory: boolean
  readonly phone: string
  readonly level?: string
  readonly requestId: string
  readonly code: string
}): Promise<Device> {
  const { vault, inMemory, ...shown } = input
  const session = await signIn({ ...shown, origin: location.origin, vault, deviceLabel: nameThisDevice() })
  return openDevice({ vault, session, inMemory })
}

/** The device as it was signed in before; `undefined` when it is signed out. */
export async function resume(vault: Vault): Promise<Device | undefined> {
  const session = await openSession({ vault })
  return session && openDevice({ vault, session, inMemory: false })
}

function openDevice({ vault, session, inMemory }: Omit<Device, 'sync'>): Device {
  const sync = createKeySync({
    transport: httpTransport({ session }),
    vault,
    configuration: readRealms(),
    argon2id,
    scrypt,
  })
  return { vault, session, sync, inMemory }
}

/** The page brings its realms with it: no answer of a server changes them. */
export function readRealms(): ReturnType<typeof parseConfiguration> {
  return parseConfiguration({
    realms: [{ id: readMeta('keyhaven-realm'), address: `${location.origin}/realm/` }],
    register_threshold: 1,
    recover_threshold: 1,
    pin_hashing_mode: 'Standard2019',
  })
}

export function readMeta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? ''
}

/** How a device keeps its keys. */
export const KEEPINGS = ['device', 'password', 'passkey'] as const
export type Keeping = (typeof KEEPINGS)[number]

/** What opens this device now; `undefined` where it is locked. */
export async function readKeeping(vault: Vault): Promise<Keeping | undefined> {
  if (vault.state() === 'locked') return undefined
  const kept = (await vault.protections()).flatMap(({ factors }) => factors.map(({ type }) => type))
  return KEEPINGS.find((one) => kept.includes(one)) ?? 'device'
}

/** From now on this device opens by `protection` alone; by itself without one. */
export async function keepBy(vault: Vault, protection?: Protection): Promise<void> {
  const before = await vault.protections()
  const byItself = before.filter(({ factors }) => factors.every(({ type }) => type === 'device'))
  if (protection !== undefined) await vault.addProtection(protection)
  else if (byItself.length === 0) await vault.addProtection(browserDeviceProtection())
  // What opens it now is in place before anything else is taken away.
  for (const { id } of before.filter((one) => !byItself.includes(one))) await vault.removeProtection(id)
  if (protection === undefined || byItself.length === 0) return
  await vault.forgetDevice()
  await vault.unlock(protection)
}

/** Signs out and leaves nothing on this device, whether the server answers or not. */
export async function leave({ vault, session }: Pick<Device, 'vault' | 'session'>): Promise<void> {
  try {
    await session.signOut()
  } catch (fault) {
    // Without a connection the server keeps a session that no device has any more; the list of devices shows it.
    if (!isKeyhavenError(fault)) throw fault
  } finally {
    await vault.destroy()
  }
}

/** Such as "Chrome on Android": what the list of devices shows until the person gives it a name. */
function nameThisDevice(): string {
  const agent = navigator.userAgent
  const browser = /Firefox\//.test(agent)
    ? 'Firefox'
    : /Edg\//.test(agent)
      ? 'Edge'
      : /Chrome\//.test(agent)
        ? 'Chrome'
        : 'Safari'
  const systems = {
    Android: /Android/,
    iPhone: /iPhone|iPad/,
    Windows: /Windows/,
    Mac: /Mac OS/,
    Linux: /Linux/,
  }
  const [system] = Object.entries(systems).find(([, pattern]) => pattern.test(agent)) ?? []
  return system === undefined ? browser : `${browser} · ${system}`
}
