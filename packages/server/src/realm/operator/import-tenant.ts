/**
 * A tenant comes from another operator's realm, whole or not at all, and once. Guesses that were used stay used, records stay
 * bound to their owners' keys, and waits go on.
 */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { Decrypter } from 'age-encryption'
import { KeyhavenError } from 'keyhaven'
import { equal, toHex } from 'keyhaven/crypto'
import type { Transaction } from '../../db/database.ts'
import { readTenantDecision, writeDecision } from '../decisions.ts'
import { insertRecord } from '../records.ts'
import { keyIdOf } from '../seal.ts'
import { openSealKeys } from '../seal-keys/open.ts'
import type { RealmSeals } from '../seals.ts'
import { openSeals } from '../seals.ts'
import type { RealmState } from '../state.ts'
import { readRealmState } from '../state.ts'
import type { RealmOperator } from './operator.ts'
import { NO_RECORD } from './records.ts'
import { countTenants, isHere, setTenant } from './tenants.ts'
import type { TransferHeader, TransferredRecord } from './transfer-file.ts'
import { malformed, parseHeader, parseLine } from './transfer-file.ts'

export interface ImportInput {
  readonly file: string
  /** An age identity, `AGE-SECRET-KEY-…`. */
  readonly identity: string
}

/**
 * `other-realm`: registrations are bound to the id of their realm, so only a realm of that id can take them. `here-already`: this
 * file, or another of the tenant, was imported, or records of it are here.
 */
export type ImportOutcome =
  | {
      readonly status: 'imported'
      readonly tenant: string
      readonly transfer: string
      readonly records: number
      /** SHA-256 of the file, hex. */
      readonly digest: string
    }
  | { readonly status: 'other-realm'; readonly realmId: string }
  | { readonly status: 'here-already'; readonly tenant: string }

/**
 * `ERR_INPUT_INVALID` for a file that cannot be read, `ERR_ENVELOPE_REJECTED` for another identity or a file that was altered or cut short, `ERR_ENVELOPE_MALFORMED` for what is none.
 * Nothing is changed by a file that is not whole.
 */
export async function importTenant(realm: RealmOperator, input: ImportInput): Promise<ImportOutcome> {
  const { settings, database, realmId } = realm
  const seals = await openSeals({ database, realmId, source: await openSealKeys(settings) })
  const digest = createHash('sha256')
  const lines = readLines(await decrypt(input, (part) => digest.update(part)))
  const header = parseHeader((await lines.next()).value ?? '')
  const { tenant } = header
  if (!equal(header.realmId, realmId)) return { status: 'other-realm', realmId: toHex(header.realmId) }
  const taken = await database
    .withRealmRecord(NO_RECORD, async (transaction) => {
      const state = await readRealmState(transaction)
      if (!(await mayCome(transaction, header))) return false
      await setTenant(transaction, 'app.realm_import', tenant)
      const records = await takeRecords({ transaction, state, seals, lines, header })
      const { transfer } = header
      await writeDecision(transaction, {
        decision: 'tenant-imported',
        tenant,
        transfer,
        details: { records },
      })
      return true
    })
    .catch(translateConflict)
  if (!taken) return { status: 'here-already', tenant }
  const { records, transfer } = header
  return { status: 'imported', tenant, transfer: toHex(transfer), records, digest: digest.digest('hex') }
}

/** unique_violation: somebody else imports the same records just now, or one of them is here. */
function translateConflict(fault: unknown): false {
  if (fault instanceof Error && 'code' in fault && fault.code === '23505') return false
  throw fault
}

/** A tenant that was here before comes back only after its old records were removed, and never by a file that has been here. */
async function mayCome(transaction: Transaction, { tenant, transfer }: TransferHeader): Promise<boolean> {
  const last = await readTenantDecision(transaction, tenant)
  if (last !== undefined && isHere(last.decision)) return false
  const own = (await countTenants(transaction)).find((count) => count.tenant === tenant)
  if (own !== undefined) return false
  const { rowCount } = await transaction.query('SELECT FROM realm.decisions WHERE transfer = $1', [transfer])
  return rowCount === 0
}

/** Reads to the file's end; its last line says how many records there were. */
async function takeRecords(input: {
  readonly transaction: Transaction
  readonly state: RealmState
  readonly seals: RealmSeals
  readonly lines: AsyncGenerator<string, void>
  readonly header: TransferHeader
}): Promise<number> {
  const { lines, header } = input
  let taken = 0
  let end: number | undefined
  let before = new Uint8Array()
  for await (const line of lines) {
    const parsed = parseLine(line)
    if (end !== undefined) throw malformed()
    if ('end' in parsed) {
      end = parsed.end
      continue
    }
    if (Buffer.compare(before, parsed.recordId) >= 0) throw malformed()
    before = new Uint8Array(parsed.recordId)
    await takeRecord(input, parsed)
    taken += 1
  }
  if (end !== taken || taken !== header.records) throw malformed()
  return taken
}

async function takeRecord(
  {
    transaction,
    state,
    seals,
    header,
  }: {
    readonly transaction: Transaction
    readonly state: RealmState
    readonly seals: RealmSeals
    readonly header: TransferHeader
  },
  { recordId, record, registration }: TransferredRecord,
): Promise<void> {
  const sealed =
    record.state === 'registered' && registration !== undefined
      ? await seals.seal({ recordId, version: record.version }, registration)
      : undefined
  // Another server began an epoch a moment ago: nothing is taken, and the next try goes well.
  if (sealed !== undefined && (state.keyId === undefined || !equal(keyIdOf(sealed), state.keyId))) {
    throw new KeyhavenError('ERR_DATABASE_UNAVAILABLE', undefined)
  }
  await insertRecord(transaction, { recordId, tenant: header.tenant }, { record, sealed })
}

/** More than any header for one receiver has. */
const MOST_HEADER_BYTES = 16_384

async function decrypt(
  { file, identity }: ImportInput,
  onPart: (part: Uint8Array) => void,
): Promise<ReadableStream<Uint8Array>> {
  const decrypter = new Decrypter()
  try {
    decrypter.addIdentity(identity)
  } catch {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'identity', expected: 'AGE-SECRET-KEY-…' })
  }
  const stream = Readable.toWeb((await openFile(file)).createReadStream()) as ReadableStream<Uint8Array>
  try {
    return await decrypter.decrypt(stream.pipeThrough(watch(onPart)))
  } catch {
    throw new KeyhavenError('ERR_ENVELOPE_REJECTED', undefined)
  }
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    return await open(file)
  } catch {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'file', expected: 'a file that can be read' })
  }
}

/** Shows what passes, and ends a header that does not end: age would keep all of it. */
function watch(onPart: (part: Uint8Array) => void): TransformStream<Uint8Array, Uint8Array> {
  let header: string | undefined = ''
  return new TransformStream({
    transform: (part, controller) => {
      onPart(part)
      if (header !== undefined) header += Buffer.from(part).toString('latin1')
      if (header?.includes('\n---') === true) header = undefined
      if ((header?.length ?? 0) > MOST_HEADER_BYTES) throw malformed()
      controller.enqueue(part)
    },
  })
}

/** Longer than any line of ours. */
const LONGEST_LINE = 4_000_000

/** What age finds altered or cut short is `ERR_ENVELOPE_REJECTED`; a last line without its end, or bytes that are no text, `ERR_ENVELOPE_MALFORMED`. */
async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new KeyhavenError('ERR_ENVELOPE_REJECTED', undefined)
    })
    const lines = (rest + readText(decoder, value)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_LINE) throw malformed()
    yield* lines
    if (done) break
  }
  if (rest !== '') throw malformed()
}

/** Without bytes the text must be at its end. */
function readText(decoder: TextDecoder, bytes: Uint8Array | undefined): string {
  try {
    return decoder.decode(bytes, { stream: bytes !== undefined })
  } catch {
    throw malformed()
  }
}
