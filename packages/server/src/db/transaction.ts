/**
 * One transaction on one pooled connection, with its identity set for just that transaction.
 *
 * `SET LOCAL` takes no parameters, so what is put there has been checked to be a UUID or hex before it comes here.
 * After the end of the transaction its handle is dead.
 */
import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg'
import { KeyhavenError } from 'keyhaven'
import { isUnavailable, translateFault } from './faults.ts'

/** Runs statements inside the one transaction; int8 comes back as number, bytea as bytes, uuid and inet as text. */
export interface Transaction {
  query<Row extends QueryResultRow = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>
}

/** Bounds for every statement of ours, so that a stuck lock or plan becomes an answer. */
const BOUNDS =
  "SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '8s'; SET LOCAL idle_in_transaction_session_timeout = '20s'"

/**
 * Commits what `run` did, or rolls it back when it throws. `ERR_DATABASE_UNAVAILABLE` when the database is away; if that
 * happened during the commit itself, it may have been done, so callers' work must bear being done again. `opening` is the
 * first row that the last of `settings` gave; they travel with BEGIN.
 */
export async function runTransaction<Result>(
  pool: Pool,
  settings: string,
  run: (transaction: Transaction, opening: QueryResultRow | undefined) => Promise<Result>,
): Promise<Result> {
  const client = await connect(pool)
  let broken = false
  const onError = (): void => {
    broken = true
  }
  client.on('error', onError)
  let open = true
  try {
    const opening = await begin(client, settings)
    const query: Transaction['query'] = (text, values) => {
      if (!open) throw new Error('The transaction has ended.')
      return client.query(text, values === undefined ? undefined : [...values])
    }
    const result = await run({ query }, opening)
    open = false
    await commit(client)
    return result
  } catch (error) {
    open = false
    broken = isUnavailable(error) || !(await rollBack(client)) || broken
    throw translateFault(error)
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

/** Statements that are sent as one text come back as one result each. */
async function begin(client: PoolClient, settings: string): Promise<QueryResultRow | undefined> {
  const results: unknown = await client.query(`BEGIN; ${BOUNDS}; ${settings}`)
  return (results as readonly QueryResult<Record<string, unknown>>[]).at(-1)?.rows[0]
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch {
    throw new KeyhavenError('ERR_DATABASE_UNAVAILABLE', undefined)
  }
}

/** PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error; that must not look like success. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('COMMIT')
  if (command !== 'COMMIT')
    throw new Error('A statement of the transaction had failed; nothing was committed.')
}

async function rollBack(client: PoolClient): Promise<boolean> {
  try {
    await client.query('ROLLBACK')
    return true
  } catch {
    return false
  }
}
