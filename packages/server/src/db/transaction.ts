/**
 * One transaction on one pooled connection, with its identity set for just that transaction.
 *
 * `SET LOCAL` takes no parameters, so what is put there has been checked to be a UUID or hex before it comes here.
 * Statements are sent without waiting for those before them, so that BEGIN travels with the first question and what is only
 * written with COMMIT. After the end of the transaction its handle is dead.
 */
import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg'
import { KeyhavenError } from 'keyhaven'
import { isUnavailable, translateFault } from './faults.ts'
import { nameStatement } from './statement-names.ts'

/** Runs statements inside the one transaction; int8 comes back as number, bytea as bytes, uuid and inet as text. */
export interface Transaction {
  query<Row extends QueryResultRow = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>
  /** A statement whose result nobody reads: it travels with what comes next, and the transaction fails if it did. */
  send(text: string, values: readonly unknown[]): void
}

/** Bounds for every statement of ours, so that a stuck lock or plan becomes an answer. */
const BOUNDS =
  "SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '8s'; SET LOCAL idle_in_transaction_session_timeout = '20s'"

/**
 * Commits what `run` did, or rolls it back when it throws. `ERR_DATABASE_UNAVAILABLE` when the database is away; if that
 * happened during the commit itself, it may have been done, so callers' work must bear being done again. `settings` are
 * statements that travel with BEGIN.
 */
export async function runTransaction<Result>(
  pool: Pool,
  settings: string,
  run: (transaction: Transaction) => Promise<Result> | Result,
): Promise<Result> {
  const client = await connect(pool)
  let broken = false
  const onError = (): void => {
    broken = true
  }
  client.on('error', onError)
  // What nobody waits for; the first of them is why all that follows fails as well.
  const faults: unknown[] = []
  const note = (fault: unknown): void => void faults.push(fault)
  let open = true
  try {
    client.query(`BEGIN; ${BOUNDS}; ${settings}`).catch(note)
    const query: Transaction['query'] = (text, values) => {
      if (!open) throw new Error('The transaction has ended.')
      return ask(client, text, values)
    }
    const send: Transaction['send'] = (text, values) => void query(text, values).catch(note)
    const result = await run({ query, send })
    open = false
    await commit(client, faults)
    return result
  } catch (error) {
    open = false
    const endedWell = !isUnavailable(error) && (await rollBack(client))
    const fault = faults[0] ?? error
    broken = !endedWell || isUnavailable(fault) || broken
    throw translateFault(fault)
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

/** What has parameters is parsed and planned once for each connection. */
function ask<Row extends QueryResultRow>(
  client: PoolClient,
  text: string,
  values: readonly unknown[] | undefined,
): Promise<QueryResult<Row>> {
  if (values === undefined) return client.query<Row>(text)
  const name = nameStatement(text)
  return client.query<Row>({ text, values: [...values], ...(name !== undefined && { name }) })
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch {
    throw new KeyhavenError('ERR_DATABASE_UNAVAILABLE', undefined)
  }
}

/** PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error; that must not look like success. */
async function commit(client: PoolClient, faults: readonly unknown[]): Promise<void> {
  const { command } = await client.query('COMMIT')
  if (faults.length > 0) throw faults[0]
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
