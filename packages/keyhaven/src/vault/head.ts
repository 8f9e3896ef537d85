/**
 * The head of a vault: its id, its slots, the manifest in force, and the sealed root that vouches for them
 * (docs/formats.md, "Vault, format 1"). It is the one thing that a write replaces, so it is the vault's state.
 *
 * A checksum over all of it comes first, so that a damaged file is not taken for a wrong password. Slots are
 * readable without a key, and authenticated only once the vault is unlocked, by the root. The manifest is named in clear,
 * so that it can be read while the vault key is being opened.
 */
import { openAead, sealAead } from '../crypto/aead.ts'
import { be8, concat, equal, lp, randomBytes, utf8 } from '../crypto/bytes.ts'
import { sha256ByPlatform } from '../crypto/platform-hkdf.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { createCursor } from './cursor.ts'
import { encodeSlot, parseSlot } from './slot.ts'
import type { Slot } from './slot.ts'

const MAGIC = utf8('KEYHAVEN')
const FORMAT = 1
const NONCE_LENGTH = 12
const MANIFEST_ID_LENGTH = 16
const ROOT_LENGTH = 8 + 12
const SEALED_ROOT_LENGTH = ROOT_LENGTH + 16
const CHECKSUM_LENGTH = 32
const MOST_BYTES = 256 * 1024

/** The most protections that one vault may have at once. */
export const MOST_SLOTS = 32

/** What the root says, and the manifest that it vouches for. */
export interface Root {
  /** Grows by one with each write. */
  readonly counter: number
  /** 16 random bytes that name the manifest's blob. */
  readonly manifestId: Uint8Array
  /** The nonce under which the manifest was sealed; it is kept only here. */
  readonly manifestNonce: Uint8Array
}

export interface Head {
  readonly vaultId: Uint8Array
  readonly slots: readonly Slot[]
  readonly manifestId: Uint8Array
  /** All bytes before the root's nonce: what the root authenticates. */
  readonly clear: Uint8Array
  readonly rootNonce: Uint8Array
  readonly sealedRoot: Uint8Array
}

/** The stored bytes of a head with this root, sealed under the index key. */
export async function sealHead(input: {
  readonly vaultId: Uint8Array
  readonly slots: readonly Slot[]
  readonly root: Root
  readonly indexKey: CryptoKey
}): Promise<Uint8Array> {
  const slots = input.slots.map((slot) => lp(encodeSlot(slot)))
  const { manifestId, counter, manifestNonce } = input.root
  const start = concat(MAGIC, Uint8Array.of(FORMAT), input.vaultId, Uint8Array.of(slots.length))
  const clear = concat(start, ...slots, manifestId)
  const nonce = randomBytes(NONCE_LENGTH)
  const root = concat(be8(counter), manifestNonce)
  const sealedRoot = await sealAead({ key: input.indexKey, nonce, associatedData: bindRoot(clear) }, root)
  const body = concat(clear, nonce, sealedRoot)
  return concat(body, await sha256ByPlatform(body))
}

/** Reads a head without a key. `ERR_VAULT_DAMAGED` when the checksum differs, `ERR_ENVELOPE_MALFORMED` when it is no head. */
export async function parseHead(bytes: Uint8Array): Promise<Head> {
  const body = await verifyChecksum(bytes)
  const cursor = createCursor(body)
  if (!equal(cursor.take(MAGIC.length), MAGIC) || cursor.integer(1) !== FORMAT) {
    throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'version' })
  }
  const vaultId = cursor.take(16)
  const count = cursor.integer(1)
  if (count < 1 || count > MOST_SLOTS) {
    throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'parameters' })
  }
  const slots = Array.from({ length: count }, () => parseSlot(cursor.prefixed()))
  const manifestId = cursor.take(MANIFEST_ID_LENGTH)
  const clear = body.subarray(0, cursor.position())
  const rootNonce = cursor.take(NONCE_LENGTH)
  const sealedRoot = cursor.take(SEALED_ROOT_LENGTH)
  cursor.end()
  return { vaultId, slots, manifestId, clear, rootNonce, sealedRoot }
}

async function verifyChecksum(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes.length <= CHECKSUM_LENGTH || bytes.length > MOST_BYTES) {
    throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'length' })
  }
  const body = bytes.subarray(0, bytes.length - CHECKSUM_LENGTH)
  if (!equal(await sha256ByPlatform(body), bytes.subarray(body.length))) {
    throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'checksum' })
  }
  return body
}

/** Opens the root, and so authenticates the head's clear part. `ERR_VAULT_TAMPERED` when they do not belong together. */
export async function openRoot(head: Head, indexKey: CryptoKey): Promise<Root> {
  const associatedData = bindRoot(head.clear)
  try {
    const opened = await openAead({ key: indexKey, nonce: head.rootNonce, associatedData }, head.sealedRoot)
    const cursor = createCursor(opened)
    return { counter: cursor.integer(8), manifestId: head.manifestId, manifestNonce: cursor.take(12) }
  } catch (error) {
    if (!isKeyhavenError(error, 'ERR_ENVELOPE_REJECTED')) throw error
    throw new KeyhavenError('ERR_VAULT_TAMPERED', undefined)
  }
}

function bindRoot(clear: Uint8Array): Uint8Array {
  return concat(lp('keyhaven/vault/root/v1'), lp(clear))
}
