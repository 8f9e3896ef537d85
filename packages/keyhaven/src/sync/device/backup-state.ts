/**
 * What this device knows of the backup that it has joined, as one vault record: the root key in use, the ways in, and
 * how far it has read the log. Only what was verified gets here.
 */
import type { Vault, VaultRecord } from '../../vault/index.ts'
import type { Authorities } from '../format/authority.ts'
import { encodeCbor, parseCborMap } from '../format/cbor.ts'
import { readCounts, recordDamaged } from '../format/fields.ts'
import { readFormerAuthorities, readWay, wayToCbor } from '../format/ways.ts'
import type { Way } from '../format/ways.ts'

const STATE = 'sync/state'

export interface BackupState extends Authorities {
  /** The registration that the pointer named, 32 hex digits. */
  readonly registration: string
  /** The pointer's serial when it did. */
  readonly serial: number
  readonly generation: number
  /** The root key of this generation, 32 bytes. */
  readonly root: Uint8Array
  /** The realms that the backup relies on; see {@link describeTrust}. */
  readonly trust: Uint8Array
  readonly ways: readonly Way[]
  /** The log's heads as last verified: ids in hex, sorted. */
  readonly heads: readonly string[]
  /** Ids of this generation's ways and snapshot segments. */
  readonly anchors: readonly string[]
  /** How far the log has been read. */
  readonly cursor: number
  /** The highest sequence seen of each device, by id in hex. */
  readonly sequences: ReadonlyMap<string, number>
  /** Seconds since 1970 of the newest segment, by its writer's clock. */
  readonly lastChange: number
  /** Seconds since 1970 when this generation began, by the clock of the device that began it. */
  readonly begun: number
}

/** The state, or `undefined` before this device has joined a backup. */
export async function readState(vault: Vault): Promise<BackupState | undefined> {
  const record = await vault.get(STATE)
  if (record === undefined) return undefined
  const fields = parseCborMap(record.bytes, recordDamaged)
  return {
    registration: fields.text('registration'),
    serial: fields.has('serial') ? fields.integer('serial') : 0,
    generation: fields.integer('generation'),
    root: fields.bytes('root', 32),
    authoritySeed: fields.bytes('authoritySeed', 32),
    formerAuthorities: readFormerAuthorities(fields, recordDamaged),
    trust: fields.bytes('trust'),
    ways: fields.list('ways').map((item) => readWay(item, recordDamaged)),
    heads: readTexts(fields.list('heads')),
    anchors: readTexts(fields.list('anchors')),
    cursor: fields.integer('cursor'),
    sequences: readCounts(fields.map('sequences'), recordDamaged),
    lastChange: fields.integer('lastChange'),
    begun: fields.integer('begun'),
  }
}

/** The change that keeps a state. */
export function keepState(state: BackupState): readonly [string, VaultRecord] {
  const bytes = encodeCbor({ ...state, ways: state.ways.map(wayToCbor) })
  return [STATE, { type: 'keyhaven/sync-state', bytes }]
}

function readTexts(items: readonly unknown[]): readonly string[] {
  return items.map((item) => {
    if (typeof item !== 'string') throw recordDamaged()
    return item
  })
}
