/**
 * People and devices for tests of key sync against the real server, with its real realm and database.
 *
 *     const place = await openPlace()                       // in beforeAll; closed after the file
 *     const device = await place.newDevice()                // a new account, signed in
 *     const second = await place.newDevice({ phone: device.phone })
 *
 * Each device has a vault of its own. `device.sync()` opens key sync anew over it, as another run of the program would.
 */
import { onTestFinished, vi } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { parseConfiguration } from 'keyhaven/recovery'
import type { Configuration } from 'keyhaven/recovery'
import {
  createKeySync,
  httpTransport,
  openKeyStore,
  openSession,
  requestSignInCode,
  signIn,
} from 'keyhaven/sync'
import type { Fetch, KeySet, KeyStore, KeySync, KeySyncOptions } from 'keyhaven/sync'
import { createVault, memoryStorage } from 'keyhaven/vault'
import type { Protection, Vault } from 'keyhaven/vault'
import type { AddRoutes } from '../../packages/server/src/app.ts'
import { createCurvePool } from '../../packages/server/src/realm/curve-pool.ts'
import { DEFAULT_REALM_LIMITS } from '../../packages/server/src/settings/realm-limits.ts'
import { randomPhone, startTestApp } from '../../packages/server/src/testing/app.ts'
import type { TestApp } from '../../packages/server/src/testing/app.ts'

export const PIN = '274951'
export const OTHER_PIN = '830164'

export interface TestPerson {
  readonly phone: string
  /** The account's UUID. */
  readonly accountId: string
  /** 32 hex digits. */
  readonly deviceId: string
  readonly vault: Vault
  readonly keys: KeyStore
  /** Key sync over this vault, opened anew; `through` replaces the network, or puts something before the vault, or other options. */
  sync(through?: Partial<KeySyncOptions>): Promise<KeySync>
}

export interface Place {
  readonly app: TestApp
  readonly configuration: Configuration
  /** Ids of realms that cannot be reached now. */
  readonly realmIsDown: Set<string>
  /** Moves the clocks of the server and of all realms on. */
  wait(milliseconds: number): void
  /** The network that devices have, on which those realms are missing. */
  readonly network: Fetch
  /** The same with every realm. */
  readonly wholeNetwork: Fetch
  /** Lets so much time pass for servers and devices alike, until the test ends. */
  passTime(milliseconds: number): void
  newDevice(options?: {
    readonly phone?: string
    /** As `deriveLevel` gives it. */
    readonly level?: string | undefined
    readonly label?: string
    readonly vault?: Vault
  }): Promise<TestPerson>
}

/** The realms that a place's accounts register at; a majority of them is needed unless `threshold` says how many. */
export interface Realms {
  readonly realms?: number
  readonly threshold?: number
}

/** Starts a server with a realm, or one with more realms beside it, each with a database of its own. */
export async function openPlace(realms: Realms = {}): Promise<Place> {
  const [place] = await openPlaces([realms])
  if (place === undefined) throw new Error('One place was asked for.')
  return place
}

/** Several places over the same server and realms, of which each takes as many as it names: starting them takes seconds. */
export async function openPlaces(
  places: readonly Realms[],
  /** Without sockets, the apps are called directly: for tests of many thousand requests. */
  { sockets = true, routes }: { readonly sockets?: boolean; readonly routes?: AddRoutes } = {},
): Promise<readonly Place[]> {
  const started = await startServers(Math.max(...places.map(({ realms = 1 }) => realms)), routes)
  return places.map((realms) => createPlace({ ...started, ...realms, sockets }))
}

interface Servers {
  readonly apps: readonly TestApp[]
  readonly ids: readonly Uint8Array[]
  readonly wait: (milliseconds: number) => void
}

async function startServers(count: number, routes: AddRoutes | undefined): Promise<Servers> {
  const ids = Array.from({ length: count }, () => randomBytes(16))
  const keys = {
    realmSealKey: randomBytes(32),
    phoneKey: randomBytes(32),
    tokenKey: randomBytes(32),
    chainKey: randomBytes(32),
  }
  const many = { most: 100_000, seconds: 600 }
  const limits = {
    codesPerAddressPhoneAndDay: many,
    codesPerPhone: many,
    codesPerPhoneAndDay: many,
    triesPerAddress: many,
  }
  // One registration serves many tests of a file.
  const realmLimits = { ...DEFAULT_REALM_LIMITS, evaluationsPerDay: 10_000 }
  // The time goes on: PostgreSQL's does too, and a sign-in code that is old for either is none.
  let ahead = 0
  const now = (): Date => new Date(Date.now() + ahead)
  const curve = createCurvePool({ threads: 1 })
  const apps = await Promise.all(
    ids.map((realmId) =>
      startTestApp({ realmId, limits, keys, realmLimits, curve, now, ...(routes && { routes }) }),
    ),
  )
  const wait = (milliseconds: number): void => {
    ahead += milliseconds
  }
  return { apps, ids, wait }
}

function createPlace({
  apps,
  ids,
  wait,
  realms = 1,
  threshold = Math.floor(realms / 2) + 1,
  sockets,
}: Servers & Realms & { readonly sockets: boolean }): Place {
  const [app] = apps
  if (app === undefined) throw new Error('A place has at least one realm.')
  const configuration = parseConfiguration(
    {
      realms: ids
        .slice(0, realms)
        .map((id, index) => ({ id: toHex(id), address: `${apps[index]?.origin ?? ''}/realm/` })),
      register_threshold: threshold,
      recover_threshold: threshold,
      pin_hashing_mode: 'FastInsecure',
    },
    { insecureForTests: true },
  )
  const realmIsDown = new Set<string>()
  const down = (address: string): boolean =>
    configuration.realms.some(
      (realm) => realmIsDown.has(toHex(realm.id)) && address === `${realm.address}req`,
    )
  const carry: Fetch = (input, init) => {
    const direct = sockets ? undefined : apps.find(({ origin }) => (input as string).startsWith(origin))
    return (direct?.fetch ?? fetch)(input, init)
  }
  const network: Fetch = (input, init) =>
    down(input as string) ? Promise.reject(new TypeError('down')) : carry(input, init)
  return {
    app,
    configuration,
    realmIsDown,
    network,
    wholeNetwork: carry,
    wait,
    passTime,
    newDevice: async ({ phone = randomPhone(), level, label = 'Test device', vault } = {}) =>
      newDevice({ app, configuration, network, phone, level, label, vault: vault ?? (await newVault()) }),
  }
}

/** Only the clock is moved, and goes on from there; timers and the database go on as they are. */
function passTime(milliseconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds, shouldAdvanceTime: true })
  onTestFinished(() => {
    vi.useRealTimers()
  })
}

/** Two identity keys, and so many conversations. */
export function makeKeys(conversations: number): KeySet {
  const identityKeys = { signing: randomBytes(64), agreement: randomBytes(2432) }
  return { ...makeConversations(conversations), identityKeys }
}

/** So many conversations with a key each. */
export function makeConversations(count: number): KeySet {
  const entries = Array.from({ length: count }, () => [crypto.randomUUID(), randomBytes(32)] as const)
  return { identityKeys: {}, conversationKeys: Object.fromEntries(entries) }
}

/** A new vault in memory. */
export async function newVault(): Promise<Vault> {
  return createVault({ name: 'device', storage: memoryStorage(), protections: [protection] })
}

/** A protection whose secret is fixed: these tests are not about the vault. */
const protection: Protection = {
  factors: [
    {
      type: 'device',
      prompts: false,
      matches: () => true,
      enroll: () => Promise.resolve({ parameters: new Uint8Array(1), secret: new Uint8Array(32).fill(7) }),
      open: () => Promise.resolve({ status: 'opened', secret: new Uint8Array(32).fill(7) }),
    },
  ],
}

async function newDevice(input: {
  readonly app: TestApp
  readonly configuration: Configuration
  readonly phone: string
  readonly level: string | undefined
  readonly label: string
  readonly network: Fetch
  readonly vault: Vault
}): Promise<TestPerson> {
  const { app, configuration, phone, level, vault, network } = input
  const { requestId } = await requestSignInCode({ origin: app.origin, phone, level, fetch: network })
  const code = app.codes.get(phone) ?? ''
  const { accountId, deviceId } = await signIn({
    origin: app.origin,
    phone,
    level,
    requestId,
    code,
    vault,
    deviceLabel: input.label,
    fetch: network,
  })
  const sync: TestPerson['sync'] = async (through = {}) => {
    const parts = { fetch: network, vault, ...through }
    const session = await openSession(parts)
    if (session === undefined) throw new Error('The test device is not signed in.')
    return createKeySync({
      transport: httpTransport({ session }),
      configuration,
      realmDeadlineMs: 60_000,
      ...parts,
    })
  }
  return { phone, accountId, deviceId, vault, keys: openKeyStore(vault), sync }
}
