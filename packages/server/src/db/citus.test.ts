/**
 * What Citus demands of a schema, held against ours on plain PostgreSQL: every table has its place in citus.sql, what is unique
 * and what points elsewhere is so within one user, and every setting that a policy reads is made in the way that reaches workers.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase } from '../testing/database.ts'
import type { TestDatabase } from '../testing/database.ts'

interface Place {
  readonly table: string
  /** None: the table is on every node. */
  readonly column: string | undefined
  readonly with: string | undefined
}

const script = readFileSync(new URL('citus.sql', import.meta.url), 'utf8')
const places = [
  ...script.matchAll(
    /create_(?:reference|distributed)_table\('([a-z_.]+)'(?:, '([a-z_]+)', colocate_with => '([a-z_.]+)')?\)/g,
  ),
].map(([, table = '', column, colocated]): Place => ({ table, column, with: colocated }))
const dropped = [...script.matchAll(/DROP CONSTRAINT ([a-z_]+)/g)].map(([, name]) => name)

let ground: TestDatabase
beforeAll(async () => {
  ground = await createTestDatabase()
})

function placeOf(table: string): Place | undefined {
  return places.find((place) => place.table === table)
}

/** Tables are in one place when rows of one value are on one node. */
function groupOf({ table, with: colocated }: Place): string {
  return colocated === undefined || colocated === 'none' ? table : colocated
}

const COLUMNS = `ARRAY(SELECT a.attname::text FROM unnest(k.keys) WITH ORDINALITY AS u(attnum, place)
  JOIN pg_attribute a ON a.attrelid = k.relid AND a.attnum = u.attnum ORDER BY place)`

describe('citus.sql', () => {
  it('gives every table its place once', async () => {
    const tables = await ground.asSuperuser<{ name: string }>(
      `SELECT format('%s.%s', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'r' AND n.nspname IN ('app', 'auth', 'messenger', 'realm') ORDER BY 1`,
    )
    expect(places.map(({ table }) => table).sort()).toEqual(tables.map(({ name }) => name))
  })

  it('spreads each by a column that its primary key begins with and that all which is unique has', async () => {
    const unique = await ground.asSuperuser<{ name: string; leads: boolean; columns: string[] }>(
      `SELECT format('%s.%s', n.nspname, c.relname) AS name, k.leads, ${COLUMNS} AS columns
       FROM (SELECT indrelid AS relid, indisprimary AS leads, indkey::int2[] AS keys FROM pg_index WHERE indisunique) k
       JOIN pg_class c ON c.oid = k.relid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname IN ('app', 'auth', 'messenger', 'realm')`,
    )
    const wrong = unique.filter(({ name, leads, columns }) => {
      const column = placeOf(name)?.column
      if (column === undefined) return false
      return leads ? columns[0] !== column : !columns.includes(column)
    })
    expect(unique.length).toBeGreaterThan(20)
    expect(wrong).toEqual([])
  })

  it('leaves what points elsewhere on one node, and places what it points at before it', async () => {
    const pointing = await ground.asSuperuser<{
      constraint: string
      from: string
      to: string
      columns: string[]
      targets: string[]
    }>(
      `SELECT k.conname AS constraint, format('%s.%s', n.nspname, c.relname) AS "from", format('%s.%s', fn.nspname, f.relname) AS "to",
              ${COLUMNS} AS columns,
              ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u(attnum, place)
                JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum ORDER BY place) AS targets
       FROM (SELECT *, conrelid AS relid, conkey AS keys FROM pg_constraint WHERE contype = 'f') k
       JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace`,
    )
    const order = places.map(({ table }) => table)
    const wrong = pointing.filter(({ constraint, from, to, columns, targets }) => {
      const [here, there] = [placeOf(from), placeOf(to)]
      if (here === undefined || there === undefined) return true
      if (dropped.includes(constraint)) return here.column !== undefined
      if (there.column === undefined) return false
      const shared = columns.indexOf(here.column ?? '')
      const isOnOneNode = groupOf(here) === groupOf(there) && shared >= 0 && targets[shared] === there.column
      return !isOnOneNode || order.indexOf(to) > order.indexOf(from)
    })
    expect(pointing.length).toBeGreaterThan(15)
    expect(dropped.every((name) => pointing.some(({ constraint }) => constraint === name))).toBe(true)
    expect(wrong).toEqual([])
  })
})

describe('settings that policies read', () => {
  it('may be missing, as they are on a worker that has not heard of them', async () => {
    const expressions = await ground.asSuperuser<{ text: string }>(
      `SELECT coalesce(qual, '') || ' ' || coalesce(with_check, '') AS text FROM pg_policies
       UNION ALL SELECT prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('app', 'auth', 'messenger', 'realm')`,
    )
    const calls = expressions.flatMap(({ text }) =>
      [...text.matchAll(/current_setting\([^)]*\)/g)].map(String),
    )
    expect(calls.length).toBeGreaterThan(10)
    expect(calls.filter((call) => !/^current_setting\('app\.[a-z_]+'(::text)?, true\)$/.test(call))).toEqual(
      [],
    )
  })

  it('are made with SET LOCAL alone, which Citus passes on; set_config stays on the coordinator', () => {
    const folder = fileURLToPath(new URL('..', import.meta.url))
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
    )
    expect(files.length).toBeGreaterThan(100)
    const wrong = files.filter((file) => readFileSync(`${folder}/${file}`, 'utf8').includes('set_config('))
    expect(wrong).toEqual([])
  })
})
