/**
 * The server's way to its database: one pool for each powerless login, and one call for each of them, every call one
 * transaction. There is no other way to a connection, so no query can forget whose rows it may see.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { KeyhavenError } from 'keyhaven'
import { toHex } from 'keyhaven/crypto'
import { createGatheringSocket } from './gathering-socket.ts'
import type { Login } from './logins.ts'
import { LOGINS, requirePowerless } from './logins.ts'
import { requireSchemaVersion } from './migrate.ts'
import type { Transaction } from './transaction.ts'
import { runTransaction } from './transaction.ts'

export type { Transaction } from './transaction.ts'

/** Connection strings of the three logins. */
export type DatabaseUrls = Readonly<Record<Login, string>>

export interface Database {
  /** As `keyhaven_app`, seeing the rows of one user. `ERR_INPUT_INVALID` when `userId` is no lower-case UUID. */
  withUser<Result>(userId: string, run: (transaction: Transaction) => Promise<Result>): Promise<Result>
  /** As `keyhaven_auth`: sign-in, where there is no user yet. Name a user to see that user's rows as well. */
  withAuth<Result>(
    run: (transaction: Transaction) => Promise<Result>,
    options?: { readonly userId?: string },
  ): Promise<Result>
  /**
   * As `keyhaven_realm`, seeing one record (32 bytes). Returns only after the commit is on disk. What {@link withRealm}
   * changes about the whole realm waits until the transaction has ended, so that it holds for all of it.
   */
  withRealmRecord<Result>(
    recordId: Uint8Array,
    run: (transaction: Transaction) => Promise<Result> | Result,
  ): Promise<Result>
  /** As `keyhaven_realm`, for what belongs to no record, alone: no request about a record is under way meanwhile. */
  withRealm<Result>(run: (transaction: Transaction) => Promise<Result>): Promise<Result>
  /** Connections of each login that are in use and that are not, and calls that wait for one. */
  load(): Readonly<Record<Login, PoolLoad>>
  /** True when all three logins get an answer. */
  ready(): Promise<boolean>
  /** Refuses logins with power, and a schema that is not this program's: `ERR_START_REFUSED`. */
  check(): Promise<void>
  /** Refuses a PostgreSQL whose commits a power failure may undo, and with them counted guesses: `ERR_START_REFUSED`. */
  requireDurable(): Promise<void>
  close(): Promise<void>
}

/** How busy a login's connections are. */
export interface PoolLoad {
  readonly busy: number
  readonly idle: number
  readonly waiting: number
}

/** How long a call waits for one of its login's connections, in ms; a client waits ten seconds for all of its answer. */
const WAIT_MS = 8_000
/** For a database that hangs without breaking the connection; the server's own bounds (transaction.ts) come first. */
const QUERY_DEADLINE_MS = 15_000
const READY_DEADLINE_MS = 3_000

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Opens pools; connects only when something is asked. `waitMs`: only tests have less patience than {@link WAIT_MS}. */
export function openDatabase(
  urls: DatabaseUrls,
  { waitMs = WAIT_MS }: { readonly waitMs?: number } = {},
): Database {
  const pools: Readonly<Record<Login, pg.Pool>> = {
    keyhaven_app: createPool(urls.keyhaven_app, waitMs),
    keyhaven_auth: createPool(urls.keyhaven_auth, waitMs),
    keyhaven_realm: createPool(urls.keyhaven_realm, waitMs),
  }
  return {
    withUser: async (userId, run) => runTransaction(pools.keyhaven_app, identify(userId), run),
    withAuth: async (run, options) =>
      runTransaction(pools.keyhaven_auth, options?.userId === undefined ? '' : identify(options.userId), run),
    withRealmRecord: async (recordId, run) =>
      runTransaction(pools.keyhaven_realm, identifyRecord(recordId), run),
    withRealm: async (run) => runTransaction(pools.keyhaven_realm, ALONE, run),
    load: () => ({
      keyhaven_app: loadOf(pools.keyhaven_app),
      keyhaven_auth: loadOf(pools.keyhaven_auth),
      keyhaven_realm: loadOf(pools.keyhaven_realm),
    }),
    ready: shareWhileRunning(async () => {
      const answers = await Promise.all(LOGINS.map((login) => isAnswering(pools[login])))
      return answers.every((answering) => answering)
    }),
    check: async () => {
      for (const login of LOGINS) await checkLogin(pools[login], login)
    },
    requireDurable: () => runTransaction(pools.keyhaven_realm, '', requireSyncing),
    close: async () => {
      await Promise.all(LOGINS.map((login) => pools[login].end()))
    },
  }
}

function loadOf({ totalCount, idleCount, waitingCount }: pg.Pool): PoolLoad {
  return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount }
}

function identify(userId: string): string {
  if (!UUID.test(userId)) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'userId', expected: 'a lower-case UUID' })
  }
  return `SET LOCAL app.user_id = '${userId}'`
}

function identifyRecord(recordId: Uint8Array): string {
  if (recordId.length !== 32) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'recordId', expected: '32 bytes' })
  }
  return `${DURABLE}; SET LOCAL app.record_id = '${toHex(recordId)}'; SELECT pg_advisory_xact_lock_shared(${REALM_LOCK})`
}

const DURABLE = "SET LOCAL synchronous_commit = 'on'"
/** Any number that only we use: the first 6 bytes of SHA-256("keyhaven/realm"). */
const REALM_LOCK = String(createHash('sha256').update('keyhaven/realm').digest().readUIntBE(0, 6))
const ALONE = `${DURABLE}; SELECT pg_advisory_xact_lock(${REALM_LOCK})`

async function checkLogin(pool: pg.Pool, login: Login): Promise<void> {
  await runTransaction(pool, '', async (transaction) => {
    await requirePowerless((text) => transaction.query(text), login)
    await requireSchemaVersion((text) => transaction.query(text))
  })
}

async function requireSyncing(transaction: Transaction): Promise<void> {
  const { rows } = await transaction.query<{ fsync: string }>('SHOW fsync')
  if (rows[0]?.fsync === 'on') return
  throw new KeyhavenError('ERR_START_REFUSED', {
    problem: 'PostgreSQL runs with fsync = off, so a power failure could give guesses back; switch it on.',
  })
}

/** Anybody may ask whether the server is ready; however many do, one question at a time goes to the database. */
function shareWhileRunning<Result>(ask: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined
  return () =>
    (running ??= ask().finally(() => {
      running = undefined
    }))
}

/** A database that hangs is as good as away. */
async function isAnswering(pool: pg.Pool): Promise<boolean> {
  const answer = pool.query('SELECT 1').then(
    () => true,
    () => false,
  )
  return Promise.race([answer, sleep(READY_DEADLINE_MS, false, { ref: false })])
}

function createPool(connectionString: string, waitMs: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max: 10,
    connectionTimeoutMillis: waitMs,
    query_timeout: QUERY_DEADLINE_MS,
    idleTimeoutMillis: 30_000,
    allowExitOnIdle: true,
    keepAlive: true,
    pipeline: true,
    stream: createGatheringSocket,
    application_name: 'keyhaven',
    types: createTypeParsers(),
  })
  // An idle connection that breaks is dropped by the pool; without a listener it would end the process.
  pool.on('error', () => undefined)
  // Nor does the pool listen to a new one until its user does: PostgreSQL may greet and say goodbye in one packet.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** int8 as a number: counts and cursors stay far below 2^53, and what does not is a fault, not a rounded value. */
function createTypeParsers(): pg.TypeOverrides {
  const parsers = new pg.TypeOverrides()
  parsers.setTypeParser(pg.types.builtins.INT8, parseInt8)
  return parsers
}

function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new Error('An int8 of the database is beyond 2^53.')
  return value
}
