/**
 * A vault: private keys and other small secrets, encrypted at rest on one device.
 *
 * One random vault key encrypts everything; each protection wraps that key in a slot of its own, so protections come
 * and go without touching a record. A device protection opens for whoever can read this device's storage or run code
 * in the app; see SECURITY.md for what each protection keeps from whom.
 */
import { equal, randomBytes, wipe } from '../crypto/bytes.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { requireAutoLock } from './auto-lock.ts'
import { enterUnlocked, homeOf, lockBody, openTabs, unlockBody, withContents } from './body.ts'
import type { Body, OpeningOptions } from './body.ts'
import { readRecord, refresh, sealState, writeRecords } from './contents.ts'
import { chooseProtections, chooseStorage } from './defaults.ts'
import { describeVault, missingVault } from './describe.ts'
import { parseHead } from './head.ts'
import type { Head } from './head.ts'
import { VAULT_KEY_LENGTH, deriveVaultKeys } from './keys.ts'
import { forgetLeft, forgetNoted, isNote, notesOf } from './leavings.ts'
import { copyRecord, requireRecordName, requireVaultName } from './names.ts'
import { useKey } from './operations.ts'
import {
  addProtection,
  changeProtection,
  forgetDevice,
  forgetUnlessStored,
  listProtections,
  removeProtection,
} from './protections.ts'
import type { Slot } from './slot.ts'
import { enrollSlot, opensAlone, serves } from './slots.ts'
import { HEAD } from './storage.ts'
import type { StorageCommit, VaultWriter } from './storage.ts'
import type {
  CreateVaultOptions,
  OpenVaultOptions,
  PutOptions,
  RecordSummary,
  Vault,
  VaultRecord,
} from './types.ts'

/**
 * Makes a vault and leaves it unlocked.
 *
 * `ERR_VAULT_EXISTS` when there is one of this name, `ERR_VAULT_EVICTED` when the browser has deleted it; `ERR_INPUT_INVALID` without a protection. If it fails, no vault
 * is left behind.
 */
export async function createVault(options: CreateVaultOptions): Promise<Vault> {
  const body = createBody(options, randomBytes(16))
  const protections = chooseProtections(options.protections, body.storage)
  const description = await describeVault(options)
  if (description.status === 'present') throw new KeyhavenError('ERR_VAULT_EXISTS', undefined)
  if (description.status === 'evicted' && options.replaceEvicted !== true) {
    throw new KeyhavenError('ERR_VAULT_EVICTED', undefined)
  }
  if (protections.length === 0) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'protections', expected: 'at least one' })
  }
  const vaultKey = randomBytes(VAULT_KEY_LENGTH)
  const slots: Slot[] = []
  try {
    for (const protection of protections) {
      slots.push(await enrollSlot(homeOf(body), vaultKey, protection))
    }
    await commitFirst(body, vaultKey, slots)
  } catch (error) {
    wipe(vaultKey)
    for (const slot of slots) await forgetUnlessStored(body, slot)
    throw error
  }
  return present(body)
}

async function commitFirst(body: Body, vaultKey: Uint8Array, slots: readonly Slot[]): Promise<void> {
  const { name, storage, vaultId } = body
  const keys = await deriveVaultKeys(vaultId, vaultKey)
  const manifest = { entries: new Map(), packs: new Map() }
  const { state, blobs } = await sealState({ vaultId, keys }, { manifest, slots, counter: 1 })
  const change = { blobs, head: state.headBytes }
  await storage.exclusive(name, (writer) => commitUnlessThere(body, writer, change))
  enterUnlocked(body, { name, storage, vaultId, keys, state, closed: false, swept: false, notes: new Set() })
}

async function commitUnlessThere(body: Body, writer: VaultWriter, change: StorageCommit): Promise<void> {
  const there = await body.storage.read(body.name, HEAD)
  if (there !== undefined) throw new KeyhavenError('ERR_VAULT_EXISTS', undefined)
  await writer.commit(change)
}

/**
 * Opens a vault that exists. It is unlocked at once if one of `protections` opens without asking anybody (a device
 * protection); else it is locked until `unlock`.
 *
 * `ERR_VAULT_MISSING` when there is none, `ERR_VAULT_EVICTED` when the browser has deleted it, `ERR_VAULT_DAMAGED`, `ERR_VAULT_TAMPERED` or `ERR_ENVELOPE_MALFORMED` when its
 * bytes were changed, `ERR_DEVICE_KEY_MISSING` when the device's key is gone and nothing else would open it.
 */
export async function openVault(options: OpenVaultOptions): Promise<Vault> {
  const name = requireVaultName(options.name)
  const storage = chooseStorage(options.storage)
  const reading = storage.read(name, HEAD)
  // While the storage reads: both take a browser their time.
  const tabs = openTabs({ name, storage })
  let body: Body | undefined
  try {
    const headBytes = await reading
    if (headBytes === undefined) throw await missingVault({ name, storage })
    const found = { headBytes, head: await parseHead(headBytes) }
    body = createBody(options, found.head.vaultId.slice())
    await openAtOnce(body, { found, tabs })
    return present(body)
  } finally {
    if (body?.open === undefined) tabs?.close()
  }
}

/** By the first of the protections at hand that opens without asking anybody, if there is one. */
async function openAtOnce(
  body: Body,
  opening: Required<Pick<OpeningOptions, 'found' | 'tabs'>>,
): Promise<void> {
  for (const protection of body.opensAlone) {
    const { status } = await unlockBody(body, protection, opening)
    if (status === 'unlocked') return
    const { slots } = opening.found.head
    if (status === 'unavailable' && slots.every((slot) => serves(protection, slot))) {
      throw new KeyhavenError('ERR_DEVICE_KEY_MISSING', undefined)
    }
  }
}

function createBody(options: OpenVaultOptions, vaultId: Uint8Array): Body {
  const storage = chooseStorage(options.storage)
  const protections = chooseProtections(options.protections, storage)
  const factors = protections.flatMap((protection) => protection.factors)
  return {
    name: requireVaultName(options.name),
    storage,
    vaultId,
    opensAlone: protections.filter(opensAlone),
    keepers: factors.filter((factor) => factor.forget !== undefined),
    autoLock: requireAutoLock(options.autoLock ?? {}),
    listeners: new Set(),
    open: undefined,
  }
}

function present(body: Body): Vault {
  return {
    name: body.name,
    id: body.vaultId.slice(),
    state: () => (body.open === undefined ? 'locked' : 'unlocked'),
    unlock: (protection, id) => unlockBody(body, protection, { id }),
    lock: () => {
      body.open?.watch.lockOthers()
      lockBody(body)
    },
    onStateChange: (listener) => {
      body.listeners.add(listener)
      return () => void body.listeners.delete(listener)
    },
    get: (record) => withContents(body, async (contents) => readRecord(contents, requireRecordName(record))),
    put: (record, value, options) => writeChanges(body, new Map([[record, value]]), options),
    write: (changes) => writeChanges(body, changes),
    list: () => listRecords(body),
    delete: (record) => writeChanges(body, new Map([[record, null]])),
    use: (record, operation, input) => useKey(body, record, operation, input),
    protections: () => listProtections(body),
    addProtection: (protection) => addProtection(body, protection),
    changeProtection: (id, protection) => changeProtection(body, id, protection),
    removeProtection: (id) => removeProtection(body, id),
    forgetDevice: () => forgetDevice(body),
    destroy: () => destroyBody(body, body.vaultId),
  }
}

function writeChanges(
  body: Body,
  changes: ReadonlyMap<string, VaultRecord | null>,
  options?: PutOptions,
): Promise<void> {
  return withContents(body, async (contents) => {
    const copies = new Map(
      [...changes].map(([name, value]) => [
        requireRecordName(name),
        value === null ? null : copyRecord(value),
      ]),
    )
    try {
      if (copies.size > 0) await writeRecords(contents, copies, options)
      // The write is done: what is left of a protection that was removed before waits for the next session.
      await forgetLeft(body, contents.notes).catch(() => undefined)
    } finally {
      for (const value of copies.values()) if (value !== null) wipe(value.bytes)
    }
  })
}

function listRecords(body: Body): Promise<readonly RecordSummary[]> {
  return withContents(body, async (contents) => {
    const { manifest } = await refresh(contents)
    const records = [...manifest.entries].map(([name, { type, version }]) => ({ name, type, version }))
    return records.sort((left, right) => (left.name < right.name ? -1 : 1))
  })
}

/**
 * Deletes a vault that need not be opened for it: one that is damaged, say, or whose keychain does not answer. Also deletes
 * what the named protections keep for it; where that fails, the vault is gone all the same. No vault is no fault.
 */
export async function destroyVault(options: OpenVaultOptions): Promise<void> {
  await destroyBody(createBody(options, new Uint8Array(16)), undefined)
}

/** Another vault of the name, made since this one was opened, is not touched. */
async function destroyBody(body: Body, vaultId: Uint8Array | undefined): Promise<void> {
  const { name, storage } = body
  body.open?.watch.lockOthers()
  lockBody(body)
  const notes = await storage.exclusive(name, async (writer) => {
    const head = await readableHead(body)
    if (head && vaultId && !equal(head.vaultId, vaultId))
      throw new KeyhavenError('ERR_VAULT_MISSING', undefined)
    const known = new Set([...(await writer.list()).filter(isNote), ...notesOf(head?.slots ?? [])])
    await writer.destroy([...known])
    return [...known]
  })
  await forgetNoted(body, notes)
}

/** A head that may be damaged: destroying must work all the same. */
async function readableHead({ name, storage }: Body): Promise<Head | undefined> {
  try {
    const headBytes = await storage.read(name, HEAD)
    return headBytes && (await parseHead(headBytes))
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_STORAGE_FAILED')) throw error
    return undefined
  }
}
