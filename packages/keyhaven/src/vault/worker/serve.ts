/**
 * The worker's side: it opens the vaults, and everything that uses a key runs here.
 */
import { KeyhavenError } from '../../errors.ts'
import { describeVault } from '../describe.ts'
import type { FactorContext, Protection } from '../protection.ts'
import { combineProtections } from '../protection/combine.ts'
import { browserDeviceProtection } from '../protection/device-indexeddb.ts'
import type { BrowserDeviceOptions } from '../protection/device-indexeddb.ts'
import { passwordProtection } from '../protection/password.ts'
import type { PasswordProtectionOptions } from '../protection/password.ts'
import type { PasskeyOptions } from '../protection/passkey.ts'
import type { Portable } from '../protection/portable.ts'
import { indexedDbStorage } from '../storage/indexeddb.ts'
import type { VaultStorage } from '../storage.ts'
import type { Vault } from '../types.ts'
import { createVault, openVault } from '../vault.ts'
import { openChannel } from './channel.ts'
import type { Channel, Handover } from './channel.ts'
import { CHANNEL } from './messages.ts'
import type { Call, MessageEnd, PasskeyAnswer, ProtectionArgument, RemoteVault } from './messages.ts'

export interface ServeOptions {
  /** The worker's own global scope unless told. */
  readonly end?: MessageEnd
  /** Where the vaults are; IndexedDB unless told. */
  readonly storageOf?: (database: string | undefined) => VaultStorage
}

/** Serves the page that started this worker. Call it once, at the worker's start. */
export function serveVaults(options: ServeOptions = {}): void {
  const vaults = new Map<number, Vault>()
  const storageOf =
    options.storageOf ??
    ((database: string | undefined) => indexedDbStorage(database === undefined ? {} : { database }))
  const channel: Channel = openChannel({
    end: options.end ?? ownScope(),
    hear: () => undefined,
    serve: (body) => serveCall(body as Call, { channel: () => channel, vaults, storageOf }),
  })
}

/** A worker's global scope, which the types of pages do not describe. */
function ownScope(): MessageEnd {
  const scope: unknown = globalThis
  return scope as MessageEnd
}

interface Served {
  readonly channel: () => Channel
  readonly vaults: Map<number, Vault>
  readonly storageOf: (database: string | undefined) => VaultStorage
}

async function serveCall(call: Call, served: Served): Promise<Handover> {
  if (call.call === 'method') return callMethod(call, served)
  const { name, database, autoLock } = call.options
  const storage = served.storageOf(database)
  if (call.call === 'describe') return plain(await describeVault({ name, storage }))
  const protections = call.options.protections.map((portable) => revive(portable, served.channel()))
  const make = call.call === 'create' ? createVault : openVault
  return plain(admit(await make({ name, storage, protections, ...(autoLock && { autoLock }) }), served))
}

function admit(vault: Vault, { vaults, channel }: Served): RemoteVault {
  const handle = vaults.size + 1
  vaults.set(handle, vault)
  vault.onStateChange((state) => {
    channel().tell({ keyhaven: CHANNEL, kind: 'state', handle, state })
  })
  return { handle, id: vault.id, state: vault.state() }
}

async function callMethod(call: Extract<Call, { call: 'method' }>, served: Served): Promise<Handover> {
  const vault = served.vaults.get(call.handle)
  if (vault === undefined || !METHODS.has(call.method)) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'method', expected: 'a function of the vault' })
  }
  const args = call.args.map((arg) => (isProtection(arg) ? revive(arg.protection, served.channel()) : arg))
  const methods: Readonly<Record<string, unknown>> = { ...vault }
  const method = methods[call.method] as (...args: readonly unknown[]) => unknown
  const value = await method(...args)
  return call.method === 'get' ? handOver(value) : plain(value)
}

const METHODS: ReadonlySet<string> = new Set([
  'unlock',
  'lock',
  'get',
  'put',
  'write',
  'list',
  'delete',
  'use',
  'protections',
  'addProtection',
  'changeProtection',
  'removeProtection',
  'forgetDevice',
  'destroy',
] satisfies (keyof Vault)[])

/** A record's bytes go to the page without a copy staying here. */
function handOver(value: unknown): Handover {
  const bytes = typeof value === 'object' && value !== null && 'bytes' in value ? value.bytes : undefined
  const buffer = bytes instanceof Uint8Array ? bytes.buffer : undefined
  return { value, transfer: buffer instanceof ArrayBuffer ? [buffer] : [] }
}

function plain(value: unknown): Handover {
  return { value, transfer: [] }
}

function isProtection(value: unknown): value is ProtectionArgument {
  return typeof value === 'object' && value !== null && 'protection' in value
}

function revive(portable: Portable, channel: Channel): Protection {
  if (portable.type === 'device') return browserDeviceProtection(portable.options as BrowserDeviceOptions)
  if (portable.type === 'password') return passwordProtection(portable.options as PasswordProtectionOptions)
  if (portable.type === 'passkey') return remotePasskey(portable.options as PasskeyOptions, channel)
  const { portables, label } = portable.options as { portables: readonly Portable[]; label?: string }
  const parts = portables.map((part) => revive(part, channel))
  return combineProtections(parts, label === undefined ? {} : { label })
}

/** Only a page can ask for a passkey: so the page is asked. */
function remotePasskey(options: PasskeyOptions, channel: Channel): Protection {
  const ask = async (context: FactorContext, parameters?: Uint8Array): Promise<PasskeyAnswer> => {
    const { vaultId, slotId } = context
    const answer = await channel.request({ options, context: { vaultId, slotId }, parameters })
    return answer as PasskeyAnswer
  }
  return {
    label: options.label,
    factors: [
      {
        type: 'passkey',
        prompts: true,
        matches: () => true,
        enroll: async (context) => {
          const answer = await ask(context)
          if (answer.status === 'enrolled') return answer
          throw new KeyhavenError('ERR_PASSKEY_UNAVAILABLE', { reason: 'unknown' })
        },
        open: async (context) => {
          const answer = await ask(context, context.parameters)
          return answer.status === 'enrolled' ? { status: 'unavailable' } : answer
        },
      },
    ],
  }
}
