/**
 * The body of an identity segment: a CBOR map `{ "set": [[name, version, key] …], "removed": [[name, key id, version] …] }`.
 */
import { utf8 } from '../../crypto/bytes.ts'
import { parseHex, toHex } from '../../crypto/text.ts'
import { encodeCbor, parseCborMap } from './cbor.ts'
import { logDamaged } from './fields.ts'
import type { Fault } from './fields.ts'
import { KEY_ID_BYTES, MOST_KEY_BYTES, MOST_NAME_BYTES } from './key-changes.ts'
import type { KeyChanges, KeyEntry, RemovedKey } from './key-changes.ts'

/** Writes a body. */
export function writeIdentityEntries(changes: KeyChanges): Uint8Array {
  return encodeCbor({
    set: changes.set.map(({ name, version, key }) => [name, version, key]),
    removed: changes.removed.map(({ name, keyId, version }) => [
      name,
      parseHex(keyId, 'keyId', KEY_ID_BYTES),
      version,
    ]),
  })
}

/** Reads a body; `ERR_LOG_DAMAGED` when any of it is malformed. */
export function parseIdentityEntries(body: Uint8Array): KeyChanges {
  const fault = logDamaged('identity entries')
  const fields = parseCborMap(body, fault)
  return {
    set: fields.list('set').map((item) => readKey(item, fault)),
    removed: fields.list('removed').map((item) => readRemoved(item, fault)),
  }
}

function readKey(item: unknown, fault: Fault): KeyEntry {
  const [name, version, key, ...more] = readList(item, fault)
  const length = key instanceof Uint8Array ? key.length : 0
  if (!(key instanceof Uint8Array) || length < 1 || length > MOST_KEY_BYTES || more.length > 0) throw fault()
  return { name: readName(name, fault), version: readVersion(version, fault), key }
}

function readRemoved(item: unknown, fault: Fault): RemovedKey {
  const [name, keyId, version, ...more] = readList(item, fault)
  if (!(keyId instanceof Uint8Array) || keyId.length !== KEY_ID_BYTES || more.length > 0) throw fault()
  return { name: readName(name, fault), keyId: toHex(keyId), version: readVersion(version, fault) }
}

function readList(item: unknown, fault: Fault): readonly unknown[] {
  if (!Array.isArray(item)) throw fault()
  return item
}

function readName(name: unknown, fault: Fault): string {
  const length = typeof name === 'string' ? utf8(name).length : 0
  if (typeof name !== 'string' || length < 1 || length > MOST_NAME_BYTES) throw fault()
  return name
}

function readVersion(version: unknown, fault: Fault): number {
  const known = typeof version === 'number' && Number.isInteger(version)
  if (!known || version < 1 || version > 0xffffffff) throw fault()
  return version
}
