/**
 * Row-level security under the running server's own logins: every table, every verb, another user's rows.
 *
 * The rows are made by the server itself; the statements then run through the same pools that its routes use.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Transaction } from './db/database.ts'
import { LOGINS } from './db/logins.ts'
import { startTestApp } from './testing/app.ts'
import type { TestApp, TestDevice } from './testing/app.ts'
import { announce, createBackup, putSegment, putSlot } from './testing/backups.ts'
import { answerAsked, askContacts, putContacts } from './testing/contacts.ts'
import { postRemoval, signRemoval } from './testing/removals.ts'
import { createSegment, randomId, signCommit } from './testing/segments.ts'
import type { TestBackup } from './testing/backups.ts'

interface Table {
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly type: string }[]
}

let server: TestApp
let alice: TestDevice
let bob: TestDevice
let bobsBackup: TestBackup
let tables: readonly Table[]
/** Those without a user. */
let others: readonly Table[]

beforeAll(async () => {
  server = await startTestApp({ notify: true })
  alice = await server.signIn()
  bob = await server.signIn()
  bobsBackup = await fillEveryTable(bob)
  const all = await server.database.asSuperuser<{ name: string; columns: Table['columns'] }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name,
            json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum) AS columns
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
      GROUP BY 1 ORDER BY 1`,
  )
  const isOfUsers = ({ columns }: Table): boolean => columns.some(({ name }) => name === 'user_id')
  // The page's own, whose row-level security e2e/messenger-server.test.ts tries.
  tables = all.filter((table) => isOfUsers(table) && !table.name.startsWith('messenger.'))
  others = all.filter((table) => !isOfUsers(table))
})

/** A person with a row in every table that belongs to a user. */
async function fillEveryTable(device: TestDevice): Promise<TestBackup> {
  const first = await createBackup(device)
  await postRemoval(device, { etag: first.etag, signature: signRemoval(device, first) })
  const backup = await createBackup(device, { generation: 2, sequence: 10 })
  await postRemoval(device, { etag: backup.etag })
  const next = createSegment({ ...device, sequence: 2, generation: 2, parents: [backup.ways.id] })
  await putSegment(device, next)
  await putSlot(device, randomId(), undefined, 2)
  await device.send(`/v1/link/${randomId()}`, { method: 'PUT', json: { message: 'AAAA' } })
  await fillContacts(device, backup)
  for (const sequence of [3, 4]) {
    const change = {
      expectedEtag: backup.etag,
      registration: randomId(),
      generation: 3,
      realms: [randomId()],
    }
    await announce(device, change)
    const segment = createSegment({ ...device, sequence, generation: 3, kind: 'snapshot' })
    expect((await putSegment(device, segment, change.registration)).status).toBe(201)
    await putSlot(device, randomId(), change.registration, change.generation)
  }
  return backup
}

/** Contacts, one of whom has answered what the device asked. */
async function fillContacts(device: TestDevice, backup: TestBackup): Promise<void> {
  const contact = await server.signIn()
  await putContacts(device, backup, [contact.accountId, randomUUID()])
  const id = await askContacts(device)
  server.clock.now = new Date(server.clock.now.getTime() + 7 * 86_400_000)
  await contact.refresh()
  expect((await answerAsked(contact, { owner: device, id })).status).toBe(204)
  server.clock.now = new Date(server.clock.now.getTime() - 7 * 86_400_000)
}

type Login = 'keyhaven_app' | 'keyhaven_auth'

/** Runs one statement in a transaction of its own: its rows, or its SQLSTATE with what PostgreSQL said. */
async function attempt(
  login: Login,
  userId: string,
  statement: (transaction: Transaction) => Promise<{ readonly rowCount: number | null }>,
): Promise<{ readonly rows: number } | { readonly refused: string; readonly message: string }> {
  const { database } = server.database
  try {
    const { rowCount } = await (login === 'keyhaven_app'
      ? database.withUser(userId, statement)
      : database.withAuth(statement, { userId }))
    return { rows: rowCount ?? 0 }
  } catch (fault) {
    const { code = '', message } = fault as Error & { readonly code?: string }
    return { refused: code, message }
  }
}

const DENIED = '42501'

/** The verbs that a login is not refused on a table, by their first letters; tried as that login, and carried out by none. */
async function granted({ name, columns }: Table, login: (typeof LOGINS)[number]): Promise<string> {
  const verbs = [
    ['S', `SELECT FROM ${name}`],
    ['I', `INSERT INTO ${name} DEFAULT VALUES`],
    ...columns.map((column) => ['U', `UPDATE ${name} SET ${column.name} = ${column.name}`] as const),
    ['D', `DELETE FROM ${name}`],
  ] as const
  const client = new pg.Client({ connectionString: server.database.urls[login] })
  await client.connect()
  const may: string[] = []
  for (const [verb, statement] of verbs) {
    if (await client.query(`EXPLAIN ${statement}`).then(() => true, isDenied)) may.push(verb)
  }
  await client.end()
  return [...new Set(may)].join('')
}

const GENERATED_ALWAYS = '428C9'

/** False; any other fault is thrown. */
function isDenied(fault: unknown): false {
  const { code } = fault as { readonly code?: string }
  if (code === DENIED || code === GENERATED_ALWAYS) return false
  throw fault
}

describe('the logins that the server works with', () => {
  test.each<Login>(['keyhaven_app', 'keyhaven_auth'])(
    '%s is neither owner nor superuser nor BYPASSRLS nor a member of any role',
    async (login) => {
      const ask = (transaction: Transaction): Promise<{ rows: unknown[]; rowCount: number | null }> =>
        transaction.query(
          `SELECT current_user::text AS login, session_user::text AS session, r.rolsuper, r.rolbypassrls, r.rolcreaterole,
                  (SELECT count(*) FROM pg_auth_members WHERE member = r.oid) AS memberships,
                  (SELECT count(*) FROM pg_class WHERE relowner = r.oid) AS owned
             FROM pg_roles r WHERE r.rolname = current_user`,
        )
      const { database } = server.database
      const { rows } = await (login === 'keyhaven_app'
        ? database.withUser(alice.accountId, ask)
        : database.withAuth(ask))
      expect(rows).toEqual([
        {
          login,
          session: login,
          rolsuper: false,
          rolbypassrls: false,
          rolcreaterole: false,
          memberships: 0,
          owned: 0,
        },
      ])
    },
  )
})

describe('another user’s rows', () => {
  test('exist in every table that this test is about', async () => {
    expect(tables.map(({ name }) => name)).toEqual([
      'app.access_log',
      'app.access_log_counts',
      'app.access_log_heads',
      'app.accounts',
      'app.contact_answers',
      'app.contact_requests',
      'app.contact_sets',
      'app.contact_shares',
      'app.devices',
      'app.links',
      'app.logs',
      'app.pending_changes',
      'app.pending_slots',
      'app.pointers',
      'app.removal_requests',
      'app.removed_backups',
      'app.retired_registrations',
      'app.segment_parents',
      'app.segments',
      'app.sessions',
      'app.slots',
      'app.webhook_events',
      'auth.phones',
    ])
    for (const { name, columns } of tables) {
      expect(columns.map((column) => column.name)).toContain('user_id')
      const rows = await server.database.asSuperuser(`SELECT FROM ${name} WHERE user_id = $1`, [
        bob.accountId,
      ])
      expect([name, rows.length > 0]).toEqual([name, true])
    }
  })

  test.each<Login>(['keyhaven_app', 'keyhaven_auth'])(
    'cannot be read, changed or removed as %s',
    async (login) => {
      for (const { name, columns } of tables) {
        const outcomes = [
          await attempt(login, alice.accountId, (t) =>
            t.query(`SELECT user_id FROM ${name} WHERE user_id = $1`, [bob.accountId]),
          ),
          await attempt(login, alice.accountId, (t) =>
            t.query(`DELETE FROM ${name} WHERE user_id = $1`, [bob.accountId]),
          ),
        ]
        for (const column of columns) {
          const set = `UPDATE ${name} SET ${column.name} = ${column.name} WHERE user_id = $1`
          outcomes.push(await attempt(login, alice.accountId, (t) => t.query(set, [bob.accountId])))
        }
        for (const outcome of outcomes) {
          const harmless = 'rows' in outcome ? outcome.rows === 0 : outcome.refused === DENIED
          expect([name, outcome, harmless]).toEqual([name, outcome, true])
        }
      }
    },
  )

  test.each<[Login, readonly string[]]>([
    [
      'keyhaven_app',
      [
        'app.access_log',
        'app.access_log_counts',
        'app.contact_answers',
        'app.contact_requests',
        'app.contact_sets',
        'app.contact_shares',
        'app.links',
        'app.pending_changes',
        'app.pending_slots',
        'app.pointers',
        'app.removal_requests',
        'app.removed_backups',
        'app.retired_registrations',
        'app.segment_parents',
        'app.segments',
        'app.slots',
        'app.webhook_events',
      ],
    ],
    [
      'keyhaven_auth',
      [
        'app.access_log',
        'app.access_log_counts',
        'app.accounts',
        'app.devices',
        'app.sessions',
        'app.webhook_events',
        'auth.phones',
      ],
    ],
  ])('cannot be added as %s, where it may add its own', async (login, insertable) => {
    const policed: string[] = []
    for (const { name, columns } of tables) {
      const list = columns.map((column) => column.name).join(', ')
      const values = columns.map(({ type }, index) => `$${String(index + 1)}::${type}`).join(', ')
      const [row = {}] = await server.database.asSuperuser(
        `SELECT ${list} FROM ${name} WHERE user_id = $1 LIMIT 1`,
        [bob.accountId],
      )
      const parameters = columns.map((column) => row[column.name])
      const outcome = await attempt(login, alice.accountId, (t) =>
        t.query(`INSERT INTO ${name} (${list}) VALUES (${values})`, parameters),
      )
      expect([name, outcome]).toMatchObject([name, { refused: DENIED }])
      if ('message' in outcome && outcome.message.includes('row-level security')) policed.push(name)
    }
    expect(policed).toEqual(insertable)
  })

  test('a row of one’s own cannot be given to another user', async () => {
    for (const { name } of tables) {
      for (const login of ['keyhaven_app', 'keyhaven_auth'] as const) {
        const outcome = await attempt(login, bob.accountId, (t) =>
          t.query(`UPDATE ${name} SET user_id = $1 WHERE user_id = $2`, [alice.accountId, bob.accountId]),
        )
        expect([name, outcome]).toMatchObject([name, { refused: DENIED }])
      }
    }
  })

  test('with no user at all there are no rows', async () => {
    for (const { name } of tables) {
      const outcome = await server.database.database.withAuth(async (t) => {
        const readable = await t.query<{ may: boolean }>('SELECT has_column_privilege($1, $2, $3) AS may', [
          name,
          'user_id',
          'SELECT',
        ])
        return readable.rows[0]?.may === true ? (await t.query(`SELECT user_id FROM ${name}`)).rowCount : 0
      })
      expect([name, outcome]).toEqual([name, 0])
    }
  })

  test('sign-in sees codes and accounts only of the number that it is about', async () => {
    await server.post('/v1/auth/code', { phone: bob.phone })
    const { database } = server.database
    const counts = (hash: string): Promise<unknown> =>
      database.withAuth(async (t) => {
        await t.query(`SET LOCAL app.phone_hash = '${hash}'`)
        const { rows } = await t.query(
          'SELECT (SELECT count(*) FROM auth.sign_in_codes) AS codes, (SELECT count(*) FROM auth.phones) AS phones',
        )
        return rows[0]
      })
    const [code] = await server.database.asSuperuser<{ hash: string }>(
      "SELECT encode(phone_hash, 'hex') AS hash FROM auth.sign_in_codes",
    )
    expect(await counts(code?.hash ?? '')).toEqual({ codes: 1, phones: 1 })
    expect(await counts('00'.repeat(32))).toEqual({ codes: 0, phones: 0 })
  })
})

describe('the realm’s login', () => {
  test('reads, adds, changes and removes nothing in any table of users', async () => {
    for (const table of tables) {
      expect([table.name, await granted(table, 'keyhaven_realm')]).toEqual([table.name, ''])
    }
  })
})

describe('tables that belong to no user', () => {
  test('are open to the login that needs them, for no other verb, and each has its row here', async () => {
    const found: Record<string, string> = {}
    for (const table of others) {
      const grants: string[] = []
      for (const login of LOGINS) {
        const verbs = await granted(table, login)
        if (verbs !== '') grants.push(`${login.replace('keyhaven_', '')} ${verbs}`)
      }
      found[table.name] = grants.join(', ')
    }
    // The first letters of SELECT, INSERT, UPDATE and DELETE; row-level security comes on top.
    expect(found).toEqual({
      'app.installation': 'app SI',
      'auth.rate_limits': 'auth SIUD',
      'auth.sign_in_codes': 'auth SIUD',
      'migration.versions': 'app S, auth S, realm S',
      'realm.audit': 'realm SID',
      'realm.decisions': 'realm SI',
      'realm.epochs': 'realm SIU',
      'realm.marks': 'realm SIU',
      'realm.records': 'realm SIUD',
    })
  })
})

describe('what even its own user’s transaction cannot do', () => {
  test.each([
    ['change the bytes of a segment', "UPDATE app.segments SET segment = '\\x00'"],
    ['change what a segment says it is', 'UPDATE app.segments SET generation = 9'],
    ['change an access-log row', 'UPDATE app.access_log SET success = true'],
    ['remove an access-log row', 'DELETE FROM app.access_log'],
    ['erase an address from the access log', 'UPDATE app.access_log SET address = NULL, address_salt = NULL'],
    ['remove an access-log head', 'DELETE FROM app.access_log_heads'],
    ['make an access-log head', 'INSERT INTO app.access_log_heads (user_id) VALUES (app.current_user_id())'],
    ['read the hash of a refresh token', 'SELECT secret_hash FROM app.sessions'],
    ['read the sealed phone number', 'SELECT phone_sealed FROM app.accounts'],
    ['bring an ended session back', 'UPDATE app.sessions SET ended_at = NULL'],
    [
      'make a visible segment wait again',
      "UPDATE app.segments SET cursor = NULL, pending = '\\x00000000000000000000000000000000' WHERE cursor IS NOT NULL",
    ],
    ['use the sign-in tables', 'SELECT FROM auth.phones'],
    ['use the realm', 'SELECT FROM realm.records'],
    ['make a table', 'CREATE TABLE public.mine ()'],
    ['make a table of its own schema', 'CREATE TABLE app.mine ()'],
  ])('%s', async (_, statement) => {
    expect(await attempt('keyhaven_app', bob.accountId, (t) => t.query(statement))).toMatchObject({
      refused: DENIED,
    })
  })

  test('remove a visible segment', async () => {
    const outcome = await attempt('keyhaven_app', bob.accountId, (t) =>
      t.query('DELETE FROM app.segments WHERE cursor IS NOT NULL'),
    )
    expect(outcome).toEqual({ rows: 0 })
    expect((await bob.get('/v1/log/heads')).body['segments']).toBe(2)
  })
})

describe('another account’s things over HTTP', () => {
  test('the registration, segments, slots and pointer of another account are not there', async () => {
    const { registration, ways, authority } = bobsBackup
    const tokens = await alice.post('/v1/realm-tokens', { registration, realmIds: bobsBackup.realms })
    expect(tokens.code).toBe('ERR_NOT_FOUND')
    expect((await alice.post('/v1/pointer/abandon', { registration })).code).toBe('ERR_NOT_FOUND')
    const commit = signCommit(
      { registration, expectedEtag: bobsBackup.etag, expectedHeads: [], anchor: ways.id },
      { accountId: bob.accountId, generation: 1, authority },
    )
    expect((await alice.post('/v1/pointer/commit', commit)).code).toBe('ERR_POINTER_CONFLICT')
    expect((await alice.get('/v1/log/segments')).bytes).toHaveLength(0)
    expect((await putSegment(alice, ways)).code).toBe('ERR_BODY_MALFORMED')
  })
})
