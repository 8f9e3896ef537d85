/**
 * The life of epochs, beside the requests: a new one begins when it is time, the records of those that ended are sealed
 * anew, and a key is destroyed once no backup that one would still restore has anything under it.
 *
 * Every server does all of this; whoever comes first has done it.
 */
import { toHex } from 'keyhaven/crypto'
import type { Log } from '../log/log.ts'
import { startSweeping } from '../sweeping.ts'
import type { Epoch, RealmDatabase } from './epochs.ts'
import { beginEpoch, markDestroyed, markEmptied, readEpochs } from './epochs.ts'
import { resealRecords } from './reseal.ts'
import type { RealmSeals } from './seals.ts'
import { deriveKeyId } from './seal-keys/source.ts'

/** Set by the operator. */
export interface EpochTerms {
  /** How long an epoch lasts; `undefined`: no other begins by time. */
  readonly epochMs: number | undefined
  /** For how long a backup of the database would still be restored. */
  readonly backupMs: number
}

export interface SealingInput {
  readonly database: RealmDatabase
  readonly seals: RealmSeals
  readonly log: Log
}

const MINUTE_MS = 60_000

/** Does a round at once and every minute, until the returned function is called. */
export function startSealing(input: SealingInput & { readonly terms: EpochTerms }): () => Promise<void> {
  const controller = new AbortController()
  const round = (): Promise<void> => keepEpochs({ ...input, now: new Date(), signal: controller.signal })
  const stop = startSweeping(round, input.log, MINUTE_MS)
  return () => {
    controller.abort()
    return stop()
  }
}

/** One round. */
export async function keepEpochs(
  input: SealingInput & { readonly terms: EpochTerms; readonly now: Date; readonly signal?: AbortSignal },
): Promise<void> {
  const { database, terms, now, seals } = input
  const current = (await readEpochs(database)).find(({ retiredAt }) => retiredAt === undefined)
  const isDue =
    terms.epochMs !== undefined && now.getTime() - (current?.beganAt.getTime() ?? 0) >= terms.epochMs
  // Where only the operator makes keys, a new one at the end of them says that all of his servers have it.
  if (isDue || seals.source.make === undefined) await rotateEpoch({ ...input, after: current?.keyId })
  await seals.follow()
  await resealEnded(input)
  await destroyOld(input)
}

/**
 * Begins a new epoch: under a key that is there and was never used, else under one that is made now. False where only
 * the operator makes keys and the last of them is in use, or where another server was faster. `after`: the epoch that is to end, the
 * current one unless told.
 */
export async function rotateEpoch({
  database,
  seals,
  log,
  after,
}: SealingInput & { readonly after?: Uint8Array | undefined }): Promise<boolean> {
  const epochs = await readEpochs(database)
  const used = new Set(epochs.map(({ keyId }) => toHex(keyId)))
  const keys = await seals.source.read()
  const candidates = seals.source.make === undefined ? keys.slice(-1) : keys
  const unused = candidates.find((key) => !used.has(toHex(deriveKeyId(key))))
  const sealKey = unused ?? (await seals.source.make?.())
  if (sealKey === undefined) return false
  const keyId = deriveKeyId(sealKey)
  const current = epochs.find(({ retiredAt }) => retiredAt === undefined)?.keyId
  const began = await beginEpoch(database, { after: after ?? current, keyId })
  if (began) log.info({ event: 'realm_epoch_began', keyId: toHex(keyId) })
  await seals.follow()
  return began
}

/** Seals anew what is under the keys of ended epochs; true when nothing is left there. */
export async function resealEnded(
  input: SealingInput & { readonly signal?: AbortSignal },
): Promise<{ readonly resealed: number; readonly unopened: number }> {
  const { database, log } = input
  const done = { resealed: 0, unopened: 0 }
  for (const { keyId, retiredAt, emptiedAt } of await readEpochs(database)) {
    if (retiredAt === undefined || emptiedAt !== undefined) continue
    const { resealed, unopened } = await resealRecords({ ...input, keyId })
    done.resealed += resealed
    done.unopened += unopened
    const id = toHex(keyId)
    if (unopened > 0) log.error({ event: 'realm_records_damaged', keyId: id, count: unopened })
    if (await markEmptied(database, keyId)) log.info({ event: 'realm_epoch_emptied', keyId: id })
  }
  return done
}

/** Destroys keys whose epochs were empty before the oldest backup that one would restore, here and on the other servers. */
async function destroyOld(
  input: SealingInput & { readonly terms: EpochTerms; readonly now: Date },
): Promise<void> {
  const { database, terms, now, log } = input
  const { seals } = input
  const { destroy } = seals.source
  if (destroy === undefined) return
  for (const epoch of await readEpochs(database)) {
    if (!isPast(epoch, now, terms)) continue
    await destroy(epoch.keyId)
    if (epoch.destroyedAt !== undefined) continue
    await markDestroyed(database, epoch.keyId)
    await seals.follow()
    log.info({ event: 'realm_key_destroyed', keyId: toHex(epoch.keyId) })
  }
}

function isPast({ emptiedAt, destroyedAt }: Epoch, now: Date, terms: EpochTerms): boolean {
  if (destroyedAt !== undefined) return true
  return emptiedAt !== undefined && now.getTime() - emptiedAt.getTime() >= terms.backupMs
}
