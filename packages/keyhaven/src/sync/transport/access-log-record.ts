/**
 * What this device knows of its account's access log, as one vault record: the server's chain key, pinned when it was
 * first seen, and the newest head that each device is known to have seen. None of it may later be missing.
 */
import { equal, toHex } from '../../crypto/index.ts'
import type { Vault, VaultRecord } from '../../vault/index.ts'
import { isSignedHead } from '../format/access-chain.ts'
import type { ChainHead } from '../format/access-chain.ts'
import { encodeCbor, parseCborMap } from '../format/cbor.ts'
import type { Device } from '../device/device.ts'
import { readFields, recordDamaged } from '../format/fields.ts'
import type { Fields } from '../format/fields.ts'
import type { SignedHead } from './transport.ts'

const ACCESS_LOG = 'sync/access-log'

/** The knowledge of one operation: what the vault had, and what the operation has seen since. */
export interface AccessLogKnowledge {
  /** Every known head: one that this device has verified, and the newest that each device has seen. */
  readonly heads: () => readonly ChainHead[]
  readonly newest: () => ChainHead | undefined
  /** The newest head from which this device has walked back, if it ever has. */
  readonly verified: () => ChainHead | undefined
  /** Up to which row this device's user has been given notice. */
  readonly noticed: () => number
  /** True when the pinned chain key, or the first one seen, has signed the head. */
  readonly trusts: (head: SignedHead) => boolean
  /** Takes in a head that the server served on the way; one that is not trusted is left for {@link readAccessHistory} to find. */
  readonly noteServed: (head: SignedHead) => void
  /** Takes in heads that other devices put into the log, by device id in hex. */
  readonly noteHeads: (heads: ReadonlyMap<string, ChainHead>) => void
  readonly noteVerified: (head: SignedHead) => void
  readonly noteNoticed: (sequence: number) => void
  /** The change that keeps all of it. */
  readonly keep: () => readonly [string, VaultRecord]
}

/** Reads what the vault has. */
export async function openAccessLogKnowledge(
  vault: Vault,
  own: {
    readonly account: Uint8Array
    readonly device: Pick<Device, 'id'>
    /** See {@link KeySyncTransport.accessLogUnsigned}: the app's choice of a transport, no answer of a server. */
    readonly unsigned?: true | undefined
  },
): Promise<AccessLogKnowledge> {
  const known = await readRecord(vault)
  const heads = new Map(known.heads)
  let { chainKey, verified, noticed } = known
  const all = (): readonly ChainHead[] => [...heads.values(), ...(verified === undefined ? [] : [verified])]
  const note = (device: string, head: ChainHead): void => {
    if (head.sequence > (heads.get(device)?.sequence ?? 0)) heads.set(device, head)
  }
  const trusts = ({ sequence, hash, signature, key }: SignedHead): boolean => {
    if (own.unsigned) return (hash === undefined) === (sequence === 0)
    if (chainKey !== undefined && !equal(chainKey, key)) return false
    if (hash === undefined || signature === undefined) return sequence === 0
    return isSignedHead({ sequence, hash }, { account: own.account, chainKey: key, signature })
  }
  const noteServed = (head: SignedHead): void => {
    if (head.hash === undefined || !trusts(head)) return
    if (!own.unsigned) chainKey = head.key
    note(toHex(own.device.id), { sequence: head.sequence, hash: head.hash })
  }
  return {
    heads: all,
    newest: () => [...all()].sort((left, right) => right.sequence - left.sequence)[0],
    verified: () => verified,
    noticed: () => noticed,
    trusts,
    noteServed,
    noteHeads: (seen) => {
      for (const [device, head] of seen) note(device, head)
    },
    noteVerified: (head) => {
      noteServed(head)
      if (head.hash !== undefined) verified = { sequence: head.sequence, hash: head.hash }
    },
    noteNoticed: (sequence) => {
      noticed = Math.max(noticed, sequence)
    },
    keep: () => keepRecord({ chainKey, verified, heads, noticed }),
  }
}

interface KnownRecord {
  readonly chainKey: Uint8Array | undefined
  readonly verified: ChainHead | undefined
  readonly heads: ReadonlyMap<string, ChainHead>
  readonly noticed: number
}

async function readRecord(vault: Vault): Promise<KnownRecord> {
  const record = await vault.get(ACCESS_LOG)
  if (record === undefined) return { chainKey: undefined, verified: undefined, heads: new Map(), noticed: 0 }
  const fields = parseCborMap(record.bytes, recordDamaged)
  const heads = fields.list('heads').map((item) => {
    const head = readFields(item, recordDamaged)
    return [head.text('device'), readPlace(head)] as const
  })
  return {
    chainKey: fields.has('chainKey') ? fields.bytes('chainKey', 32) : undefined,
    verified: fields.has('verified')
      ? readPlace(readFields(fields.map('verified'), recordDamaged))
      : undefined,
    heads: new Map(heads),
    noticed: fields.integer('noticed'),
  }
}

function readPlace(fields: Fields): ChainHead {
  return { sequence: fields.integer('sequence'), hash: fields.bytes('hash', 32) }
}

function keepRecord({ chainKey, verified, heads, noticed }: KnownRecord): readonly [string, VaultRecord] {
  const bytes = encodeCbor({
    chainKey: chainKey ?? null,
    verified: verified === undefined ? null : { sequence: verified.sequence, hash: verified.hash },
    heads: [...heads].map(([device, { sequence, hash }]) => ({ device, sequence, hash })),
    noticed,
  })
  return [ACCESS_LOG, { type: 'keyhaven/sync-access-log', bytes }]
}
