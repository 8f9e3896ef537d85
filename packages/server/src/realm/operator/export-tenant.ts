/**
 * A tenant leaves this realm for another operator's: from the first line of the file on nobody here answers for it, so that no
 * guess is counted at two places.
 */
import { link, open, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { Encrypter } from 'age-encryption'
import { KeyhavenError } from 'keyhaven'
import { randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import { syncFolder } from '../../data/key-file.ts'
import { openSealKeys } from '../seal-keys/open.ts'
import type { RealmOperator } from './operator.ts'
import { createOpener, readRecords } from './records.ts'
import type { Departure } from './tenants.ts'
import { departTenant } from './tenants.ts'
import { formatEnd, formatHeader, formatRecord } from './transfer-file.ts'
import { verifyRealm } from './verify.ts'

export interface ExportInput {
  readonly tenant: string
  /** The receiver's age key, `age1…`. */
  readonly recipient: string
  /** Made whole under this name, mode 0600, or not at all; a file that is there is kept. */
  readonly file: string
  /** For a tenant that was exported before: the same file once more. */
  readonly again: boolean
  readonly signal?: AbortSignal
}

/** `damaged`: records that do not open; nothing was done. */
export type ExportOutcome =
  | {
      readonly status: 'exported'
      readonly transfer: string
      readonly records: number
      /** SHA-256 of the file, hex; to be compared with the receiver's. */
      readonly digest: string
    }
  | { readonly status: 'damaged'; readonly count: number }
  | Exclude<Departure, { readonly status: 'departed' }>

/**
 * `ERR_INPUT_INVALID` for a recipient that is none or a folder that cannot be written to, before anything is done, and for a file that is there. Ended in the
 * middle, it leaves the tenant exported and no file: do it `again`.
 */
export async function exportTenant(realm: RealmOperator, input: ExportInput): Promise<ExportOutcome> {
  const encrypter = createEncrypter(input.recipient)
  const { tenant, again, file } = input
  const { damaged, keyMissing } = await verifyRealm(realm, input)
  if (damaged + keyMissing > 0) return { status: 'damaged', count: damaged + keyMissing }
  const draft = `${file}.${toHex(randomBytes(8))}`
  const handle = await open(draft, 'wx', 0o600).catch(() => refuseFile())
  try {
    const departure = await departTenant(realm.database, { tenant, again })
    if (departure.status !== 'departed') return departure
    const { transfer, records } = departure
    const lines = writeLines(realm, { tenant, transfer, records })
    const digest = await writeFile(handle, await encrypter.encrypt(streamOf(lines)))
    await handle.sync().catch(() => refuseFile())
    await link(draft, file).catch(() => refuseFile())
    syncFolder(dirname(file))
    return { status: 'exported', transfer: toHex(transfer), records, digest }
  } finally {
    await handle.close()
    await rm(draft, { force: true })
  }
}

function refuseFile(): never {
  const expected = 'a new file, in a folder that has room and that this user can write to'
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'file', expected })
}

function createEncrypter(recipient: string): Encrypter {
  const encrypter = new Encrypter()
  try {
    encrypter.addRecipient(recipient)
  } catch {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'recipient', expected: 'an age recipient, age1…' })
  }
  return encrypter
}

async function* writeLines(
  { settings, database, realmId }: RealmOperator,
  about: { readonly tenant: string; readonly transfer: Uint8Array; readonly records: number },
): AsyncGenerator<string, void> {
  const openRecord = await createOpener({ source: await openSealKeys(settings), realmId })
  yield formatHeader({ realmId, ...about })
  let written = 0
  for await (const listed of readRecords(database, about.tenant)) {
    const { recordId, record } = listed
    if (record.state === 'not-registered') continue
    const opened = await openRecord(listed)
    if (opened.status === 'damaged' || opened.status === 'key-missing') {
      throw new KeyhavenError('ERR_ENVELOPE_REJECTED', undefined)
    }
    const registration = opened.status === 'opened' ? opened.registration : undefined
    yield formatRecord({ recordId, record, registration })
    written += 1
  }
  yield formatEnd(written)
}

function streamOf(lines: AsyncGenerator<string, void>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const next = await lines.next()
      if (next.done === true) controller.close()
      else controller.enqueue(utf8(next.value))
    },
  })
}

async function writeFile(handle: FileHandle, stream: ReadableStream<Uint8Array>): Promise<string> {
  const digest = createHash('sha256')
  for await (const part of stream) {
    digest.update(part)
    await handle.write(part).catch(() => refuseFile())
  }
  return digest.digest('hex')
}
