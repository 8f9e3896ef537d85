/**
 * A vault: private keys and other small secrets, encrypted at rest on one device.
 *
 * One random vault key encrypts everything; each protection wraps that key in a slot of its own, so protections come
 * and go without touching a record. A device protection opens for whoever can read this device's storage or run code
 * in the app; see SECURITY.md for what each protection keeps from whom.
 */
import { equal, randomBytes, wipe } from '../crypto/bytes.ts'
import { KeyhavenError } from '../errors.ts'
import { loadState, readRecord, refresh, sealState, writeRecords } from './contents.ts'
import type { Contents } from './contents.ts'
import { parseHead } from './head.ts'
import type { Head } from './head.ts'
import { VAULT_KEY_LENGTH, deriveVaultKeys } from './keys.ts'
import { copyRecord, requireRecordName, requireVaultName } from './names.ts'
import type { Protection } from './protection.ts'
import type { Slot } from './slot.ts'
import { enrollSlot, forgetSlot, openSlots, opensAlone, serves } from './slots.ts'
import { HEAD } from './storage.ts'
import type { VaultStorage, VaultWriter } from './storage.ts'
import type {
  CreateVaultOptions,
  OpenVaultOptions,
  RecordSummary,
  UnlockOutcome,
  Vault,
  VaultRecord,
} from './types.ts'

/** The vault's object and what its functions share. */
interface Body {
  readonly name: string
  readonly storage: VaultStorage
  readonly vaultId: Uint8Array
  /** What the app handed over at the start: for unlocking alone, and for forgetting. */
  readonly protections: readonly Protection[]
  contents: Contents | undefined
}

/**
 * Makes a vault and leaves it unlocked.
 *
 * `ERR_VAULT_EXISTS` when there is one of this name; `ERR_INPUT_INVALID` without a protection. If it fails, no vault
 * is left behind.
 */
export async function createVault(options: CreateVaultOptions): Promise<Vault> {
  const name = requireVaultName(options.name)
  const { storage, protections } = options
  if (protections.length === 0) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'protections', expected: 'at least one' })
  }
  const vaultId = randomBytes(16)
  const vaultKey = randomBytes(VAULT_KEY_LENGTH)
  const slots: Slot[] = []
  try {
    for (const protection of protections)
      slots.push(await enrollSlot(homeOf(storage, vaultId), vaultKey, protection))
    const keys = await deriveVaultKeys(vaultId, vaultKey)
    const empty = { entries: new Map(), packs: new Map() }
    const { state, blobs } = await sealState({ vaultId, keys }, { manifest: empty, slots, counter: 1 })
    await storage.exclusive(name, (writer) =>
      commitFirst(storage, name, writer, { blobs, head: state.headBytes }),
    )
    const contents = { name, storage, vaultId, keys, state, closed: false, swept: false }
    return present({ name, storage, vaultId, protections, contents })
  } catch (error) {
    wipe(vaultKey)
    await forgetSlots({ storage, vaultId, protections }, slots)
    throw error
  }
}

async function commitFirst(
  storage: VaultStorage,
  name: string,
  writer: VaultWriter,
  change: Parameters<VaultWriter['commit']>[0],
): Promise<void> {
  if ((await storage.read(name, HEAD)) !== undefined) throw new KeyhavenError('ERR_VAULT_EXISTS', undefined)
  await writer.commit(change)
}

/**
 * Opens a vault that exists. It is unlocked at once if one of `protections` opens without asking anybody (a device
 * protection); else it is locked until `unlock`.
 *
 * `ERR_VAULT_MISSING` when there is none, `ERR_VAULT_DAMAGED`, `ERR_VAULT_TAMPERED` or `ERR_ENVELOPE_MALFORMED` when its
 * bytes were changed, `ERR_DEVICE_KEY_MISSING` when the device's key is gone and nothing else would open it.
 */
export async function openVault(options: OpenVaultOptions): Promise<Vault> {
  const name = requireVaultName(options.name)
  const { storage, protections = [] } = options
  const headBytes = await storage.read(name, HEAD)
  if (headBytes === undefined) throw new KeyhavenError('ERR_VAULT_MISSING', undefined)
  const { vaultId, slots } = parseHead(headBytes)
  const body: Body = { name, storage, vaultId: vaultId.slice(), protections, contents: undefined }
  for (const protection of protections.filter(opensAlone)) {
    const { status } = await unlockBody(body, protection)
    if (status === 'unlocked') break
    if (status === 'unavailable' && slots.every((slot) => serves(protection, slot))) {
      throw new KeyhavenError('ERR_DEVICE_KEY_MISSING', undefined)
    }
  }
  return present(body)
}

function present(body: Body): Vault {
  return {
    name: body.name,
    id: body.vaultId.slice(),
    state: () => (body.contents === undefined ? 'locked' : 'unlocked'),
    unlock: (protection) => unlockBody(body, protection),
    lock: () => {
      lockBody(body)
    },
    get: async (record) => readRecord(requireContents(body), requireRecordName(record)),
    put: (record, value) => writeChanges(body, new Map([[record, value]])),
    write: (changes) => writeChanges(body, changes),
    list: () => listRecords(body),
    delete: (record) => writeChanges(body, new Map([[record, null]])),
    destroy: () => destroyBody(body),
  }
}

async function unlockBody(body: Body, protection: Protection): Promise<UnlockOutcome> {
  const { name, storage, vaultId } = body
  const headBytes = await storage.read(name, HEAD)
  if (headBytes === undefined) throw new KeyhavenError('ERR_VAULT_MISSING', undefined)
  const { slots } = parseHead(headBytes)
  const opened = await openSlots(homeOf(storage, vaultId), slots, protection)
  if (opened.status !== 'unlocked') return opened
  try {
    const keys = await deriveVaultKeys(vaultId, opened.vaultKey)
    const contents = await openContents({ name, storage, vaultId, keys })
    lockBody(body)
    body.contents = contents
  } catch (error) {
    wipe(opened.vaultKey)
    throw error
  }
  return { status: 'unlocked' }
}

async function openContents(
  source: Pick<Contents, 'name' | 'storage' | 'vaultId' | 'keys'>,
): Promise<Contents> {
  for (;;) {
    const headBytes = await source.storage.read(source.name, HEAD)
    if (headBytes === undefined) throw new KeyhavenError('ERR_VAULT_MISSING', undefined)
    const state = await loadState(source, headBytes)
    if (state !== undefined) return { ...source, state, closed: false, swept: false }
  }
}

function lockBody(body: Body): void {
  if (body.contents === undefined) return
  body.contents.closed = true
  wipe(body.contents.keys.vaultKey)
  body.contents = undefined
}

async function writeChanges(body: Body, changes: ReadonlyMap<string, VaultRecord | null>): Promise<void> {
  const contents = requireContents(body)
  const copies = new Map(
    [...changes].map(([name, value]) => [requireRecordName(name), value === null ? null : copyRecord(value)]),
  )
  try {
    if (copies.size > 0) await writeRecords(contents, copies)
  } finally {
    for (const value of copies.values()) if (value !== null) wipe(value.bytes)
  }
}

async function listRecords(body: Body): Promise<readonly RecordSummary[]> {
  const { manifest } = await refresh(requireContents(body))
  const records = [...manifest.entries].map(([name, { type, version }]) => ({ name, type, version }))
  return records.sort((left, right) => (left.name < right.name ? -1 : 1))
}

async function destroyBody(body: Body): Promise<void> {
  const { name, storage, vaultId } = body
  lockBody(body)
  const slots = await storage.exclusive(name, async (writer) => {
    const headBytes = await storage.read(name, HEAD)
    const head = headBytes && readableHead(headBytes)
    if (head && !equal(head.vaultId, vaultId)) throw new KeyhavenError('ERR_VAULT_MISSING', undefined)
    await writer.destroy()
    return head?.slots ?? []
  })
  await forgetSlots({ storage, vaultId, protections: body.protections }, slots)
}

/** A head that may be damaged: destroying must work all the same. */
function readableHead(headBytes: Uint8Array): Head | undefined {
  try {
    return parseHead(headBytes)
  } catch {
    return undefined
  }
}

async function forgetSlots(
  body: Pick<Body, 'storage' | 'vaultId' | 'protections'>,
  slots: readonly Slot[],
): Promise<void> {
  for (const slot of slots) {
    for (const protection of body.protections) {
      await forgetSlot(homeOf(body.storage, body.vaultId), slot, protection)
    }
  }
}

function homeOf(
  storage: VaultStorage,
  vaultId: Uint8Array,
): { readonly vaultId: Uint8Array; readonly storageDirectory: string | undefined } {
  return { vaultId, storageDirectory: storage.directory }
}

function requireContents(body: Body): Contents {
  if (body.contents === undefined) throw new KeyhavenError('ERR_VAULT_LOCKED', undefined)
  return body.contents
}
