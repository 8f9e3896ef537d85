/**
 * Key sync over Keyhaven's own HTTP API (docs/protocol.md).
 */
import { toBase64 } from '../../crypto/text.ts'
import { loadModule } from '../../load-module.ts'
import { createByteReader } from '../format/byte-reader.ts'
import { answerMalformed, fieldsOf, readBase64, readId, readTime } from '../format/fields.ts'
import type { Fields } from '../format/fields.ts'
import type { RemovalKind } from '../format/removal-messages.ts'
import { MOST_SEGMENT_BYTES } from '../format/segment.ts'
import { readAccessLogPage, readSignedHead } from './access-log.ts'
import type { Answer } from './exchange.ts'
import { readJson } from './exchange.ts'
import type { linkCalls } from './links.ts'
import type {
  KeySyncTransport,
  LogHeads,
  LogPage,
  PointerState,
  Requester,
  ServedDevice,
} from './transport.ts'

/** A page is at most 4 MiB, or one segment, and its frames. */
const MOST_PAGE_BYTES = 4 * 1_048_576 + 2 * MOST_SEGMENT_BYTES
const PAGE_DEADLINE_MS = 120_000

/** A transport over a signed-in session. */
export function httpTransport({ session }: { readonly session: Requester }): KeySyncTransport {
  const { origin, accountId, phone, level, deviceId } = session
  const post = (path: string, json: unknown, signal: AbortSignal | undefined): Promise<Answer> =>
    session.request({ method: 'POST', path, json, signal })
  return {
    origin,
    accountId,
    phone,
    level,
    deviceId,
    ...pointerCalls(session, post),
    ...logCalls(session),
    ...deviceCalls(session),
    changePhone: async ({ proof, ...json }, signal) => {
      const request = { method: 'POST', path: '/v1/phone', json, headers: proven(proof), signal } as const
      return readJson(await session.request(request)).text('phone')
    },
    readAccessLog: async ({ before, limit }, signal) => {
      const query = `limit=${String(limit)}${before === undefined ? '' : `&before=${String(before)}`}`
      return readAccessLogPage(
        readJson(await session.request({ method: 'GET', path: `/v1/access-log?${query}`, signal })),
      )
    },
    ...removalCalls(post),
    ...lateLinkCalls(session),
    contacts: async () => (await loadModule(import('./contacts.ts'))).contactCalls(session),
    realmTokens: async ({ registration, realmIds }, signal) =>
      readTokens(readJson(await post('/v1/realm-tokens', { registration, realmIds }, signal))),
    exportAccount: async (signal) => (await loadModule(import('./export.ts'))).exportAccount(session, signal),
    reportRestored: async (report, signal) => {
      await post('/v1/access-log/restored', report, signal)
    },
  }
}

type Post = (path: string, json: unknown, signal: AbortSignal | undefined) => Promise<Answer>

/** Few devices link: the calls are loaded when one does. */
function lateLinkCalls(
  session: Requester,
): Pick<KeySyncTransport, 'offerLink' | 'readLink' | 'addLinkMessage' | 'closeLink'> {
  const load = async (): Promise<ReturnType<typeof linkCalls>> =>
    (await loadModule(import('./links.ts'))).linkCalls(session)
  return {
    offerLink: async (...input) => (await load()).offerLink(...input),
    readLink: async (...input) => (await load()).readLink(...input),
    addLinkMessage: async (...input) => (await load()).addLinkMessage(...input),
    closeLink: async (...input) => (await load()).closeLink(...input),
  }
}

function pointerCalls(
  session: Requester,
  post: Post,
): Pick<
  KeySyncTransport,
  'readPointer' | 'beginChange' | 'abandonChange' | 'commitChange' | 'releaseRegistration'
> {
  return {
    readPointer: async (signal) =>
      readPointerState(readJson(await session.request({ method: 'GET', path: '/v1/pointer', signal }))),
    beginChange: async ({ proof, ...json }, signal) => {
      const path = '/v1/pointer/pending'
      await session.request({ method: 'POST', path, json, headers: proven(proof), signal })
    },
    abandonChange: async (registration, signal) => {
      await post('/v1/pointer/abandon', { registration }, signal)
    },
    commitChange: async (commit, signal) => ({
      etag: readJson(await post('/v1/pointer/commit', commit, signal)).text('etag'),
    }),
    releaseRegistration: async (registration, signal) => {
      await session.request({ method: 'DELETE', path: `/v1/pointer/retired/${registration}`, signal })
    },
  }
}

function removalCalls(post: Post): Pick<KeySyncTransport, 'requestRemoval' | 'keepBackup'> {
  return {
    requestRemoval: async (request, signal) => {
      const fields = readJson(await post('/v1/removals', request, signal))
      const status = fields.text('status')
      if (status === 'waiting') return { status, dueAt: readTime(fields.text('dueAt')) }
      if (status !== 'removed' && status !== 'closed') throw answerMalformed()
      return { status }
    },
    keepBackup: async (signature, signal) => {
      await post('/v1/removals/keep', { signature }, signal)
    },
  }
}

function logCalls(
  session: Requester,
): Pick<KeySyncTransport, 'putSegment' | 'putSlot' | 'readSegments' | 'readHeads' | 'readSlots'> {
  return {
    putSegment: async ({ id, bytes, registration, proof }, signal) => {
      const path = `/v1/log/segments/${id}${forChange(registration)}`
      const headers = proven(proof)
      await session.request({ method: 'PUT', path, bytes, headers, signal, deadlineMs: PAGE_DEADLINE_MS })
    },
    putSlot: async ({ wayId, slot, generation, registration, proof }, signal) => {
      const path = `/v1/log/slots/${wayId}${forChange(registration)}`
      const json = { slot: toBase64(slot), generation }
      await session.request({ method: 'PUT', path, json, headers: proven(proof), signal })
    },
    readSegments: async (after, signal) => {
      const path = `/v1/log/segments?after=${String(after)}`
      const limits = { deadlineMs: PAGE_DEADLINE_MS, mostBytes: MOST_PAGE_BYTES }
      return readPage(await session.request({ method: 'GET', path, signal, ...limits }), after)
    },
    readHeads: async (signal) =>
      readHeads(readJson(await session.request({ method: 'GET', path: '/v1/log/heads', signal }))),
    readSlots: async (signal) => {
      const fields = readJson(await session.request({ method: 'GET', path: '/v1/log/slots', signal }))
      return { generation: fields.integer('generation'), slots: readSlots(fields) }
    },
  }
}

function deviceCalls(
  session: Requester,
): Pick<KeySyncTransport, 'listDevices' | 'renameDevice' | 'removeDevice'> {
  return {
    listDevices: async (signal) => {
      const fields = readJson(await session.request({ method: 'GET', path: '/v1/devices', signal }))
      return fields.list('devices').map((item) => readDevice(fieldsOf(item)))
    },
    renameDevice: async ({ id, label }, signal) => {
      await session.request({ method: 'PATCH', path: `/v1/devices/${id}`, json: { label }, signal })
    },
    removeDevice: async ({ id, proof }, signal) => {
      const path = `/v1/devices/${id}`
      await session.request({ method: 'DELETE', path, headers: proven(proof), signal })
    },
  }
}

function readDevice(fields: Fields): ServedDevice {
  return {
    id: readId(fields.text('id'), 32),
    label: fields.text('label'),
    firstUsedAt: readTime(fields.text('firstUsedAt')),
    lastUsedAt: readTime(fields.text('lastUsedAt')),
    signedIn: fields.boolean('signedIn'),
  }
}

function proven(proof: string | undefined): Readonly<Record<string, string>> {
  return proof === undefined ? {} : { 'keyhaven-proof': proof }
}

function forChange(registration: string | undefined): string {
  return registration === undefined ? '' : `?registration=${registration}`
}

function readPointerState(fields: Fields): PointerState {
  return {
    pointer: fields.has('pointer') ? readPointer(fieldsOf(fields.map('pointer'))) : null,
    etag: fields.has('etag') ? fields.text('etag') : null,
    authority: fields.has('authority') ? readId(fields.text('authority'), 64) : null,
    pending: fields.has('pending') ? readPending(fieldsOf(fields.map('pending'))) : null,
    retired: fields.list('retired').map((item) => readRetired(fieldsOf(item))),
    accessLog: fields.has('accessLog') ? readSignedHead(fieldsOf(fields.map('accessLog'))) : undefined,
    removal: fields.has('removal') ? readRemoval(fieldsOf(fields.map('removal'))) : null,
    removed: fields.has('removed') ? readRemoved(fieldsOf(fields.map('removed'))) : null,
  }
}

function readPointer(fields: Fields): PointerState['pointer'] {
  const generation = fields.integer('generation')
  if (generation < 1 || generation > 0xffffffff) throw answerMalformed()
  const realms = readIds(fields.list('realms'), 32)
  const anchor = readId(fields.text('anchor'), 64)
  return {
    registration: readId(fields.text('registration'), 32),
    generation,
    realms,
    anchor,
    serial: fields.integer('serial'),
    statement: fields.has('statement') ? readId(fields.text('statement'), 128) : undefined,
    registrationAuthority: fields.has('registrationAuthority')
      ? readId(fields.text('registrationAuthority'), 64)
      : undefined,
  }
}

function readPending(fields: Fields): PointerState['pending'] {
  return {
    registration: readId(fields.text('registration'), 32),
    device: readId(fields.text('device'), 32),
  }
}

function readRetired(fields: Fields): PointerState['retired'][number] {
  return {
    registration: readId(fields.text('registration'), 32),
    realms: readIds(fields.list('realms'), 32),
    generation: fields.has('generation') ? fields.integer('generation') : undefined,
    previousRoot: fields.has('previousRoot') ? readId(fields.text('previousRoot'), 96) : undefined,
    authority: fields.has('authority') ? readId(fields.text('authority'), 64) : undefined,
  }
}

function readRemoval(fields: Fields): PointerState['removal'] {
  return {
    kind: readKind(fields.text('kind')),
    device: readId(fields.text('device'), 32),
    requestedAt: readTime(fields.text('requestedAt')),
    dueAt: readTime(fields.text('dueAt')),
    due: fields.boolean('due'),
  }
}

function readRemoved(fields: Fields): PointerState['removed'] {
  return {
    kind: readKind(fields.text('kind')),
    generation: fields.integer('generation'),
    etag: fields.text('etag'),
    signature: fields.has('signature') ? readId(fields.text('signature'), 128) : undefined,
  }
}

function readKind(kind: string): RemovalKind {
  if (kind !== 'backup' && kind !== 'account' && kind !== 'fresh-start') throw answerMalformed()
  return kind
}

function readHeads(fields: Fields): LogHeads {
  const tail = fieldsOf(fields.map('tail'))
  return {
    heads: [...readIds(fields.list('heads'), 64)].sort(),
    segments: fields.integer('segments'),
    bytes: fields.integer('bytes'),
    cursor: fields.integer('cursor'),
    coveredCursor: fields.integer('coveredCursor'),
    tail: { segments: tail.integer('segments'), bytes: tail.integer('bytes') },
  }
}

/** Frames `be8(cursor) ‖ be4(length) ‖ segment`, cursors rising from `after`. */
function readPage(answer: Answer, after: number): LogPage {
  try {
    const reader = createByteReader(answer.bytes, 'page')
    const frames: { readonly cursor: number; readonly bytes: Uint8Array }[] = []
    let last = after
    while (reader.rest() > 0) {
      const cursor = reader.integer(8)
      if (cursor <= last) throw answerMalformed()
      last = cursor
      frames.push({ cursor, bytes: reader.bytes(reader.integer(4)) })
    }
    const newest = answer.headers.get('keyhaven-cursor') ?? ''
    if (!/^\d{1,15}$/.test(newest)) throw answerMalformed()
    return { frames, newest: Number(newest) }
  } catch {
    throw answerMalformed()
  }
}

function readSlots(fields: Fields): ReadonlyMap<string, Uint8Array> {
  const slots = new Map<string, Uint8Array>()
  for (const [wayId, slot] of fields.map('slots')) {
    if (typeof wayId !== 'string' || typeof slot !== 'string') throw answerMalformed()
    slots.set(readId(wayId, 32), readBase64(slot))
  }
  return slots
}

function readTokens(fields: Fields): ReadonlyMap<string, string> {
  const tokens = new Map<string, string>()
  for (const [realmId, token] of fields.map('tokens')) {
    if (typeof realmId !== 'string' || typeof token !== 'string') throw answerMalformed()
    tokens.set(realmId, token)
  }
  return tokens
}

function readIds(items: readonly unknown[], digits: number): readonly string[] {
  return items.map((item) => readId(item, digits))
}
