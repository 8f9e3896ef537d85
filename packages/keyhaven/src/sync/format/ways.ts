/**
 * The ways that open a backup, as the ways segments list them (docs/formats.md). A root key is sealed only to public
 * keys that are listed there. Within one generation ways only ever join, so the list is the union of its ways
 * segments, and two devices that join at once are both in it; removing a way is a new generation without it.
 */
import type { Configuration } from '../../recovery/configuration.ts'
import { serializeConfiguration } from '../../recovery/configuration.ts'
import { XWING_PUBLIC_KEY_LENGTH, equal, parseHex, toHex } from '../../crypto/index.ts'
import { encodeCbor, parseCborMap } from './cbor.ts'
import type { CborValue } from './cbor.ts'
import type { Authorities } from './authority.ts'
import { logDamaged, readBytesList, readFields } from './fields.ts'
import type { Fault, Fields } from './fields.ts'
import { WAY_ID_BYTES, deriveWayId } from './slot.ts'

/** One way in. */
export interface Way {
  /** The way's id in hex; see {@link deriveWayId}. */
  readonly id: string
  /** `pin`, `device`, or a type of the future. */
  readonly type: string
  readonly label: string
  /** The id of the device whose way it is, in hex; a way of another type has none. */
  readonly device?: string
  /** 1216 bytes. */
  readonly publicKey: Uint8Array
  /** SHA-256 of the way's slot of this generation. */
  readonly slotHash: Uint8Array
  /** Of a way of type `contacts` only: who has its shares. */
  readonly contacts?: WayContacts
}

/** Who has the shares of a way, and how many of them open it. */
export interface WayContacts {
  readonly threshold: number
  readonly members: readonly {
    /** The contact's account, 16 bytes. */
    readonly account: Uint8Array
    readonly name: string
    /** Of the identity that the share is sealed to, 32 bytes. */
    readonly fingerprint: Uint8Array
  }[]
}

/** The body of a ways segment. */
export interface WaysBody extends Authorities {
  readonly ways: readonly Way[]
  /** What the realms were when this was written; see {@link describeTrust}. */
  readonly trust: Uint8Array
}

/** Writes a body: a CBOR map. */
export function writeWays(body: WaysBody): Uint8Array {
  return encodeCbor({
    ways: body.ways.map(wayToCbor),
    authoritySeed: body.authoritySeed,
    ...(body.formerAuthorities.length > 0 && { formerAuthorities: body.formerAuthorities }),
    configuration: body.trust,
  })
}

/** Reads a body; `ERR_LOG_DAMAGED` when any of it is malformed or a way's id is not its key's. */
export function parseWays(bytes: Uint8Array): WaysBody {
  const fault = logDamaged('ways')
  const fields = parseCborMap(bytes, fault)
  return {
    ways: fields.list('ways').map((item) => readWay(item, fault)),
    authoritySeed: fields.bytes('authoritySeed', 32),
    formerAuthorities: readFormerAuthorities(fields, fault),
    trust: fields.bytes('configuration'),
  }
}

/** The field `formerAuthorities`, which is missing where there are none. */
export function readFormerAuthorities(fields: Fields, fault: Fault): readonly Uint8Array[] {
  if (!fields.has('formerAuthorities')) return []
  return readBytesList(fields.list('formerAuthorities'), fault, 32)
}

/** A way as a CBOR map. */
export function wayToCbor(way: Way): CborValue {
  return {
    id: wayIdBytes(way),
    type: way.type,
    label: way.label,
    publicKey: way.publicKey,
    slotHash: way.slotHash,
    ...(way.device !== undefined && { device: parseHex(way.device, 'device', 16) }),
    ...(way.contacts !== undefined && {
      contacts: {
        threshold: way.contacts.threshold,
        members: way.contacts.members.map((member) => ({ ...member })),
      },
    }),
  }
}

/** A way from a decoded CBOR map. */
export function readWay(item: unknown, fault: Fault): Way {
  const fields = readFields(item, fault)
  const publicKey = fields.bytes('publicKey', XWING_PUBLIC_KEY_LENGTH)
  const id = fields.bytes('id', WAY_ID_BYTES)
  if (!equal(id, deriveWayId(publicKey))) throw fault()
  return {
    id: toHex(id),
    type: fields.text('type'),
    label: fields.text('label'),
    publicKey,
    slotHash: fields.bytes('slotHash', 32),
    ...(fields.has('device') && { device: toHex(fields.bytes('device', 16)) }),
    ...(fields.has('contacts') && { contacts: readContacts(fields.map('contacts'), fault) }),
  }
}

function readContacts(item: unknown, fault: Fault): WayContacts {
  const fields = readFields(item, fault)
  const members = fields.list('members').map((member) => {
    const { bytes, text } = readFields(member, fault)
    return { account: bytes('account', 16), name: text('name'), fingerprint: bytes('fingerprint', 32) }
  })
  return { threshold: fields.integer('threshold'), members }
}

/**
 * The part of a realm configuration that must not change behind a person's back, as deterministic CBOR: realm ids
 * and keys, thresholds, PIN hashing. Addresses are not in it: a realm may move.
 */
export function describeTrust(configuration: Configuration): Uint8Array {
  const shape = serializeConfiguration(configuration)
  return encodeCbor({
    realms: shape.realms.map(({ id, public_key }) => ({ id, publicKey: public_key ?? null })),
    registerThreshold: shape.register_threshold,
    recoverThreshold: shape.recover_threshold,
    pinHashing: shape.pin_hashing_mode,
  })
}

function wayIdBytes(way: Way): Uint8Array {
  return deriveWayId(way.publicKey)
}
