/**
 * The sealed list of a vault's records: name, type, version, and where each one's ciphertext lies
 * (docs/formats.md, "Vault, format 1"). Record names appear nowhere else.
 *
 * It also holds each record's nonce, which is stored nowhere else: so a record's bytes are pinned to this
 * manifest, and an older or a swapped ciphertext does not open.
 */
import { openAead, sealAead } from '../crypto/aead.ts'
import { be8, bytesOfHex, concat, lp, parseUtf8, toHex, utf8 } from '../crypto/bytes.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { createCursor } from './cursor.ts'
import type { Cursor } from './cursor.ts'
import type { Root } from './head.ts'

/** Where a record is, and what pins it. */
export interface Entry {
  readonly type: string
  /** From 1, grows with each write of this record. */
  readonly version: number
  /** The pack, as 32 hex digits. */
  readonly pack: string
  readonly offset: number
  /** Bytes of ciphertext, the tag included. */
  readonly length: number
  readonly nonce: Uint8Array
}

export interface Manifest {
  readonly entries: ReadonlyMap<string, Entry>
  /** Bytes of each pack that is in use. */
  readonly packs: ReadonlyMap<string, number>
}

/** The manifest's ciphertext, for the root that names it. */
export async function sealManifest(input: {
  readonly manifest: Manifest
  readonly vaultId: Uint8Array
  readonly root: Root
  readonly indexKey: CryptoKey
}): Promise<Uint8Array> {
  const { root, indexKey, vaultId } = input
  const plaintext = encodeManifest(input.manifest)
  return sealAead(
    { key: indexKey, nonce: root.manifestNonce, associatedData: bind(vaultId, root) },
    plaintext,
  )
}

/** Opens and reads the manifest that the root names. `ERR_VAULT_DAMAGED` for any other bytes. */
export async function openManifest(input: {
  readonly sealed: Uint8Array
  readonly vaultId: Uint8Array
  readonly root: Root
  readonly indexKey: CryptoKey
}): Promise<Manifest> {
  const { root, indexKey: key, vaultId } = input
  try {
    const aead = { key, nonce: root.manifestNonce, associatedData: bind(vaultId, root) }
    return parseManifest(await openAead(aead, input.sealed))
  } catch (error) {
    if (!isKeyhavenError(error, 'ERR_ENVELOPE_REJECTED')) throw error
    throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'manifest' })
  }
}

function bind(vaultId: Uint8Array, root: Root): Uint8Array {
  return concat(lp('keyhaven/vault/manifest/v1'), lp(vaultId), be8(root.counter), root.manifestId)
}

const PACK_LENGTH = 16 + 4
const ENTRY_LENGTH = 4 + 4 + 8 + 4 + 4 + 4 + 12

function encodeManifest(manifest: Manifest): Uint8Array {
  const packs = [...manifest.packs]
  const indexOfPack = new Map(packs.map(([pack], index) => [pack, index]))
  const named = [...manifest.entries].map(([name, entry]) => ({
    name: utf8(name),
    type: utf8(entry.type),
    entry,
  }))
  const text = named.reduce((length, { name, type }) => length + name.length + type.length, 0)
  const bytes = new Uint8Array(8 + packs.length * PACK_LENGTH + named.length * ENTRY_LENGTH + text)
  const writer = createWriter(bytes)
  writer.be4(packs.length)
  for (const [pack, size] of packs) {
    writer.put(bytesOfHex(pack))
    writer.be4(size)
  }
  writer.be4(named.length)
  for (const { name, type, entry } of named) {
    writer.lp(name)
    writer.lp(type)
    writer.be8(entry.version)
    writer.be4(indexOfPack.get(entry.pack) ?? 0)
    writer.be4(entry.offset)
    writer.be4(entry.length)
    writer.put(entry.nonce)
  }
  return bytes
}

/** Fills a buffer field by field; ten thousand entries should not make ten thousand small arrays. */
function createWriter(bytes: Uint8Array): {
  put(part: Uint8Array): void
  be4(value: number): void
  be8(value: number): void
  lp(part: Uint8Array): void
} {
  const view = new DataView(bytes.buffer)
  let offset = 0
  const put = (part: Uint8Array): void => {
    bytes.set(part, offset)
    offset += part.length
  }
  const writeBe4 = (value: number): void => {
    view.setUint32(offset, value)
    offset += 4
  }
  return {
    put,
    be4: writeBe4,
    be8: (value) => {
      view.setBigUint64(offset, BigInt(value))
      offset += 8
    },
    lp: (part) => {
      writeBe4(part.length)
      put(part)
    },
  }
}

function parseManifest(bytes: Uint8Array): Manifest {
  const cursor = createCursor(bytes)
  const packs: [string, number][] = []
  for (let left = cursor.integer(4); left > 0; left -= 1) {
    packs.push([toHex(cursor.take(16)), cursor.integer(4)])
  }
  const entries = new Map<string, Entry>()
  for (let left = cursor.integer(4); left > 0; left -= 1) {
    const [name, entry] = parseEntry(cursor, packs)
    entries.set(name, entry)
  }
  cursor.end()
  return { entries, packs: new Map(packs) }
}

function parseEntry(cursor: Cursor, packs: readonly (readonly [string, number])[]): readonly [string, Entry] {
  const name = parseUtf8(cursor.prefixed())
  const type = parseUtf8(cursor.prefixed())
  const version = cursor.integer(8)
  const [pack] = packs[cursor.integer(4)] ?? []
  if (pack === undefined) throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'manifest' })
  const offset = cursor.integer(4)
  const length = cursor.integer(4)
  const nonce = cursor.take(12)
  return [name, { type, version, pack, offset, length, nonce }]
}
