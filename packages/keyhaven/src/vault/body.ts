/**
 * What all functions of one opened vault share, and the way between locked and unlocked.
 */
import { equal, toHex, wipe } from '../crypto/bytes.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { openTabChannel, startAutoLock } from './auto-lock.ts'
import type { AutoLock } from './auto-lock.ts'
import { loadState, readManifest } from './contents.ts'
import type { Contents, FoundHead } from './contents.ts'
import { parseHead } from './head.ts'
import { deriveVaultKeys } from './keys.ts'
import type { Factor, Protection } from './protection.ts'
import { openSlots } from './slots.ts'
import type { SlotHome } from './slots.ts'
import { HEAD } from './storage.ts'
import type { VaultStorage } from './storage.ts'
import type { AutoLockOptions, UnlockOutcome } from './types.ts'

export interface Body {
  readonly name: string
  readonly storage: VaultStorage
  readonly vaultId: Uint8Array
  /** Of what the app handed over at the start, what opens without asking anybody. No password is kept here. */
  readonly opensAlone: readonly Protection[]
  /** The factors that can delete what they keep outside the vault. */
  readonly keepers: readonly Factor[]
  readonly autoLock: AutoLockOptions
  readonly listeners: Set<(state: 'locked' | 'unlocked') => void>
  open: { readonly contents: Contents; readonly watch: AutoLock } | undefined
}

/** What slots need to know about this vault. */
export function homeOf(body: Pick<Body, 'storage' | 'vaultId'>): SlotHome {
  return { vaultId: body.vaultId, storageDirectory: body.storage.directory }
}

/** Opens the vault by a protection and leaves it unlocked. */
export async function unlockBody(
  body: Body,
  protection: Protection,
  options: OpeningOptions = {},
): Promise<UnlockOutcome> {
  const opened = await openContents(body, protection, options)
  if (opened.status !== 'unlocked') return opened
  lockBody(body)
  enterUnlocked(body, opened.contents, options.tabs)
  return { status: 'unlocked' }
}

/** The channel of the tabs that have a vault of this name; none outside browsers. */
export function openTabs({ name, storage }: Pick<Body, 'name' | 'storage'>): BroadcastChannel | undefined {
  const inBrowser = storage.kind === 'indexeddb' || storage.kind === 'web-storage'
  return inBrowser ? openTabChannel(name) : undefined
}

/** Takes over opened contents, and the channel: from here on the vault is unlocked. */
export function enterUnlocked(
  body: Body,
  contents: Contents,
  channel: BroadcastChannel | undefined = openTabs(body),
): void {
  const watch = startAutoLock({
    options: body.autoLock,
    channel,
    vaultId: toHex(body.vaultId),
    lock: () => {
      lockBody(body)
    },
  })
  body.open = { contents, watch }
  for (const listener of [...body.listeners]) listener('unlocked')
}

/** Forgets the keys; does nothing when locked. */
export function lockBody(body: Body): void {
  if (body.open === undefined) return
  const { contents, watch } = body.open
  body.open = undefined
  closeContents(contents)
  watch.stop()
  for (const listener of [...body.listeners]) listener('locked')
}

/** Ends everything that is under way with these contents, and overwrites the vault key. */
export function closeContents(contents: Contents): void {
  contents.closed = true
  wipe(contents.keys.vaultKey)
}

/** Runs an operation on the unlocked vault; locks when the vault turns out to be gone. */
export async function withContents<T>(body: Body, work: (contents: Contents) => Promise<T>): Promise<T> {
  if (body.open?.watch.touch() === false) lockBody(body)
  if (body.open === undefined) throw new KeyhavenError('ERR_VAULT_LOCKED', undefined)
  try {
    return await work(body.open.contents)
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_VAULT_MISSING')) lockBody(body)
    throw error
  }
}

export interface OpeningOptions {
  /** The one protection to open. */
  readonly id?: string | undefined
  /** The head, if it has just been read. */
  readonly found?: FoundHead
  /** The channel of the tabs, if it is open; it is taken over when the vault is unlocked. */
  readonly tabs?: BroadcastChannel | undefined
}

type Opening =
  | { readonly status: 'unlocked'; readonly contents: Contents }
  | Exclude<UnlockOutcome, { readonly status: 'unlocked' }>

/** The contents as this protection opens them; the vault's own state stays as it is. */
export async function openContents(
  body: Body,
  protection: Protection,
  { id, found }: OpeningOptions = {},
): Promise<Opening> {
  const { name, storage, vaultId } = body
  const start = found ?? (await readOwnHead(body))
  const { slots } = start.head
  const asked = slots.filter((slot) => id === undefined || toHex(slot.id) === id)
  // Both at once: where a storage answers slowly, the manifest is there when the vault key is.
  const reading = readManifest(body, start.head)
  reading.catch(() => undefined)
  const opened = await openSlots(homeOf(body), asked, protection)
  if (opened.status !== 'unlocked') return opened
  try {
    const source = { name, storage, vaultId, keys: await deriveVaultKeys(vaultId, opened.vaultKey) }
    let state = await loadState(source, start, reading)
    while (state === undefined) state = await loadState(source, await readOwnHead(body))
    return {
      status: 'unlocked',
      contents: { ...source, state, closed: false, swept: false, notes: new Set() },
    }
  } catch (error) {
    wipe(opened.vaultKey)
    throw error
  }
}

/** The head; `ERR_VAULT_MISSING` when there is none, or when it is another vault's by now. */
async function readOwnHead({ name, storage, vaultId }: Body): Promise<FoundHead> {
  const headBytes = await storage.read(name, HEAD)
  const head = headBytes && (await parseHead(headBytes))
  if (head && equal(head.vaultId, vaultId)) return { headBytes, head }
  throw new KeyhavenError('ERR_VAULT_MISSING', undefined)
}
