/**
 * The page's side: vaults that live in a dedicated worker, with the same interface as those that live here.
 *
 * The page never holds an unlocked key, except what it asks for by `get`. Script in the page can still ask the worker to
 * use a key while the vault is unlocked: this keeps keys from being copied away, not from being used.
 */
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { watchPageHide } from '../auto-lock.ts'
import type { Protection } from '../protection.ts'
import { passkeyProtection } from '../protection/passkey.ts'
import { portableOf } from '../protection/portable.ts'
import type { Portable } from '../protection/portable.ts'
import { createMarker } from '../storage/marker.ts'
import type { Marker } from '../storage/marker.ts'
import { askForPersistence } from '../storage/persistence.ts'
import type { AutoLockOptions, Vault, VaultDescription } from '../types.ts'
import { openChannel } from './channel.ts'
import type { Channel, Handover } from './channel.ts'
import type {
  MessageEnd,
  PasskeyAnswer,
  PasskeyQuestion,
  RemoteMethod,
  RemoteOptions,
  RemoteVault,
} from './messages.ts'

const DATABASE = 'keyhaven'

export interface WorkerVaultOptions {
  readonly name: string
  /** The name of the IndexedDB database; `keyhaven` unless told. */
  readonly database?: string
  /** The worker keeps vaults of this database in memory alone: the browser keeps no note of them either. */
  readonly inMemory?: boolean
  readonly protections?: readonly Protection[]
  readonly autoLock?: AutoLockOptions
  readonly replaceEvicted?: boolean
}

/** `createVault`, `openVault` and `describeVault` of a worker. */
export interface VaultWorker {
  createVault(options: WorkerVaultOptions): Promise<Vault>
  openVault(options: WorkerVaultOptions): Promise<Vault>
  describeVault(
    options: Pick<WorkerVaultOptions, 'name' | 'database' | 'inMemory'>,
  ): Promise<VaultDescription>
}

interface Connection {
  readonly channel: Channel
  readonly states: Map<number, { state: 'locked' | 'unlocked'; listeners: Set<StateListener> }>
}

type StateListener = (state: 'locked' | 'unlocked') => void

/** Connects to a worker that calls `serveVaults()` at its start. */
export function connectVaults(worker: MessageEnd): VaultWorker {
  const states: Connection['states'] = new Map()
  const channel = openChannel({
    end: worker,
    serve: (body) => answerPasskey(body as PasskeyQuestion),
    hear: (message) => {
      const known = message.kind === 'state' ? states.get(message.handle) : undefined
      if (known === undefined || message.kind !== 'state') return
      known.state = message.state
      for (const listener of [...known.listeners]) listener(message.state)
    },
  })
  if (worker instanceof EventTarget) {
    worker.addEventListener('error', () => {
      channel.fail()
    })
  }
  const connection = { channel, states }
  return {
    createVault: (options) => create(connection, options),
    openVault: (options) => open(connection, options),
    describeVault: (options) => describe(connection, options),
  }
}

async function create(connection: Connection, options: WorkerVaultOptions): Promise<Vault> {
  const marker = markerOf(options)
  const { status } = await describe(connection, options)
  if (status === 'evicted' && options.replaceEvicted !== true) {
    throw new KeyhavenError('ERR_VAULT_EVICTED', undefined)
  }
  const vault = await connection.channel.request({ call: 'create', options: remoteOptions(options) })
  if (await marker.add(options.name)) void askForPersistence()
  return present(connection, options, vault as RemoteVault)
}

async function open(connection: Connection, options: WorkerVaultOptions): Promise<Vault> {
  try {
    const vault = await connection.channel.request({ call: 'open', options: remoteOptions(options) })
    // Again, because the page that made it may have been closed before it could note it.
    await markerOf(options).add(options.name)
    return present(connection, options, vault as RemoteVault)
  } catch (error) {
    const missing = isKeyhavenError(error, 'ERR_VAULT_MISSING')
    if (!missing || !(await markerOf(options).has(options.name))) throw error
    throw new KeyhavenError('ERR_VAULT_EVICTED', undefined)
  }
}

async function describe(connection: Connection, options: WorkerVaultOptions): Promise<VaultDescription> {
  const call = { call: 'describe', options: remoteOptions({ ...options, protections: [] }) }
  const description = (await connection.channel.request(call)) as VaultDescription
  const evicted = description.status === 'missing' && (await markerOf(options).has(options.name))
  return evicted ? { status: 'evicted' } : description
}

/** A vault that ends with its page is never missed. */
const NO_MARKER: Marker = {
  has: () => Promise.resolve(false),
  add: () => Promise.resolve(false),
  remove: () => Promise.resolve(),
}

function markerOf(options: Pick<WorkerVaultOptions, 'database' | 'inMemory'>): Marker {
  if (options.inMemory === true) return NO_MARKER
  return createMarker(`keyhaven/${options.database ?? DATABASE}`)
}

function remoteOptions(options: WorkerVaultOptions): RemoteOptions {
  const { name, database, protections = [], autoLock } = options
  // Whether the page is hidden only the page sees.
  const idle = autoLock?.idleMs === undefined ? undefined : { idleMs: autoLock.idleMs }
  return { name, database, protections: protections.map(requirePortable), autoLock: idle }
}

function present(connection: Connection, options: WorkerVaultOptions, remote: RemoteVault): Vault {
  const { channel, states } = connection
  const { handle, id } = remote
  const own = { state: remote.state, listeners: new Set<StateListener>() }
  states.set(handle, own)
  const call = (method: RemoteMethod, ...args: readonly unknown[]): Promise<never> =>
    channel.request({ call: 'method', handle, method, args }) as Promise<never>
  const vault: Vault = {
    name: options.name,
    id,
    state: () => own.state,
    onStateChange: (listener) => {
      own.listeners.add(listener)
      return () => void own.listeners.delete(listener)
    },
    unlock: async (protection, slot) => call('unlock', argument(protection), slot),
    lock: () => {
      own.state = 'locked'
      void call('lock').catch(() => undefined)
    },
    get: (record) => call('get', record),
    put: (record, value, options) => call('put', record, value, options),
    write: (changes) => call('write', changes),
    list: () => call('list'),
    delete: (record) => call('delete', record),
    use: (record, operation, input) => call('use', record, operation, input),
    protections: () => call('protections'),
    addProtection: async (protection) => call('addProtection', argument(protection)),
    changeProtection: async (old, protection) => call('changeProtection', old, argument(protection)),
    removeProtection: (old) => call('removeProtection', old),
    forgetDevice: () => call('forgetDevice'),
    destroy: async () => {
      await call('destroy')
      await markerOf(options).remove(options.name)
    },
  }
  if (options.autoLock?.onPageHide === true) {
    watchPageHide(() => {
      vault.lock()
    })
  }
  return vault
}

function argument(protection: Protection): { readonly protection: Portable } {
  return { protection: requirePortable(protection) }
}

function requirePortable(protection: Protection): Portable {
  const portable = portableOf(protection)
  if (portable !== undefined) return portable
  throw new KeyhavenError('ERR_INPUT_INVALID', {
    field: 'protection',
    expected: 'one that can be made in a worker',
  })
}

/** The worker asks for a passkey; what the authenticator yields goes to it, and nowhere else. */
async function answerPasskey({ options, context, parameters }: PasskeyQuestion): Promise<Handover> {
  const [factor] = passkeyProtection(options).factors
  if (factor === undefined) throw new KeyhavenError('ERR_PASSKEY_UNAVAILABLE', { reason: 'unknown' })
  if (parameters !== undefined) return handOver(await factor.open({ ...context, parameters }))
  return handOver({ status: 'enrolled', ...(await factor.enroll(context)) })
}

function handOver(value: PasskeyAnswer): Handover {
  const buffer = 'secret' in value ? value.secret.buffer : undefined
  return { value, transfer: buffer instanceof ArrayBuffer ? [buffer] : [] }
}
