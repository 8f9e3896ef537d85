/**
 * A stand-in for a Supabase project: real PostgreSQL with Supabase's roles and default privileges, our migrations run by an
 * owner that is no superuser, and the parts of PostgREST, of its sign-in and of its Edge Functions that supabase-js speaks to
 * here. It is no PostgREST; what it does not know it refuses, as that would: unknown functions, parameters, columns and
 * operators, and changes of a table without a filter.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT, jwtVerify } from 'jose'
import pg from 'pg'
import { afterAll } from 'vitest'
import { createClient } from '@supabase/supabase-js'
import type { SupabaseClient } from '@supabase/supabase-js'
import { createEmptyDatabase } from '../../packages/server/src/testing/database.ts'
import type { EmptyDatabase } from '../../packages/server/src/testing/database.ts'

const MIGRATIONS = new URL('../../packages/keyhaven/supabase/migrations/', import.meta.url)

/** What Supabase has before our migrations. */
const GROUND = `
  CREATE ROLE anon NOLOGIN NOINHERIT; CREATE ROLE authenticated NOLOGIN NOINHERIT;
  CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS; CREATE ROLE authenticator LOGIN NOINHERIT;
  CREATE ROLE project_owner NOLOGIN NOSUPERUSER BYPASSRLS;
  GRANT anon, authenticated, service_role TO authenticator;
  CREATE SCHEMA auth;
  CREATE TABLE auth.users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), phone text UNIQUE);
  CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
    $$ SELECT (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid $$;
`

const GRANTS = `
  GRANT USAGE ON SCHEMA auth, public TO anon, authenticated, service_role, project_owner;
  GRANT CREATE ON SCHEMA public TO project_owner;
  GRANT SELECT, REFERENCES ON auth.users TO project_owner;
  ALTER DEFAULT PRIVILEGES FOR ROLE project_owner IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
  ALTER DEFAULT PRIVILEGES FOR ROLE project_owner IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
`

export interface SupabaseProject {
  readonly url: string
  readonly anonKey: string
  readonly database: EmptyDatabase
  /** Edge Functions by name. */
  readonly functions: Map<string, (request: Request) => Promise<Response>>
  /** Everything that was asked below /rest/v1, in order: method and path. */
  readonly asked: string[]
  newClient(options?: { readonly fetch?: typeof globalThis.fetch }): SupabaseClient
  /** A client that is signed in by phone code. */
  signIn(phone: string): Promise<SupabaseClient>
  /** One statement as a role with these claims, through no HTTP at all. */
  asRole(role: string, claims: object, text: string, values?: readonly unknown[]): Promise<readonly unknown[]>
}

const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Opens a project; `before` is SQL that was there before our migrations. One for each test file. */
export async function openSupabase({
  before = '',
}: { readonly before?: string } = {}): Promise<SupabaseProject> {
  const database = await createEmptyDatabase()
  await database.asSuperuser(GROUND + GRANTS + `GRANT CREATE ON DATABASE ${database.name} TO project_owner`)
  const scripts = readdirSync(MIGRATIONS)
    .sort()
    .map((file) => readFileSync(new URL(file, MIGRATIONS), 'utf8'))
  for (const script of [before, ...scripts]) await database.asSuperuser(`SET ROLE project_owner; ${script}`)
  const pool = new pg.Pool({ connectionString: database.superuserUrl, max: 8 })
  // PostgreSQL is stopped as soon as the file is over.
  pool.on('connect', (client) => {
    client.on('error', () => undefined)
  })
  const secret = randomBytes(32)
  const anonKey = await sign(secret, { role: 'anon' })
  const functions: SupabaseProject['functions'] = new Map()
  const asked: string[] = []
  const standIn: StandIn = { pool, secret, functions, codes: new Map(), sessions: new Map(), database, asked }
  const server = createServer((request, response) => {
    void answer(standIn, request).then(({ status, body, headers }) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closing.push(async () => {
    await closeServer(server)
    await pool.end()
  })
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  const newClient = ({ fetch }: { readonly fetch?: typeof globalThis.fetch } = {}): SupabaseClient => {
    // oxlint-disable-next-line typescript/no-unsafe-assignment -- supabase-js types a schema that nobody described as any
    const client: SupabaseClient = createClient(url, anonKey, {
      auth: { persistSession: false, autoRefreshToken: false },
      ...(fetch !== undefined && { global: { fetch } }),
    })
    return client
  }
  return {
    url,
    anonKey,
    database,
    functions,
    asked,
    newClient,
    signIn: async (phone) => {
      const client = newClient()
      await client.auth.signInWithOtp({ phone })
      const token = standIn.codes.get(phone.replace('+', '')) ?? ''
      const { error } = await client.auth.verifyOtp({ phone, token, type: 'sms' })
      if (error !== null) throw error
      return client
    },
    asRole: (role, claims, text, values) =>
      inTransaction(
        standIn,
        { role, claims: { ...claims, role }, headers: {} },
        async (client) =>
          (await client.query(text, values === undefined ? undefined : [...values]))
            .rows as readonly unknown[],
      ),
  }
}

interface StandIn {
  readonly pool: pg.Pool
  readonly secret: Uint8Array
  readonly functions: SupabaseProject['functions']
  readonly codes: Map<string, string>
  /** By refresh token. */
  readonly sessions: Map<
    string,
    { readonly userId: string; readonly phone: string; readonly sessionId: string }
  >
  readonly database: EmptyDatabase
  readonly asked: string[]
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

interface Caller {
  readonly role: string
  readonly claims: object
  readonly headers: object
}

const json = (status: number, body: unknown): Answer => ({ status, body: JSON.stringify(body) })

async function sign(secret: Uint8Array, claims: Readonly<Record<string, unknown>>): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(secret)
}

async function answer(standIn: StandIn, request: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks).toString()
  const url = new URL(request.url ?? '', 'http://stand-in')
  const [, room, , ...rest] = url.pathname.split('/')
  try {
    if (room === 'auth') return await answerAuth(standIn, rest.join('/'), parse(body))
    if (room === 'functions') return await answerFunction(standIn, request, rest.join('/'), body)
    if (room !== 'rest') return json(404, {})
    standIn.asked.push(`${request.method ?? ''} ${url.pathname}`)
    const caller = await identify(standIn, request)
    if (caller === undefined) return json(401, { code: 'PGRST301', message: 'JWT invalid' })
    if (rest[0] === 'rpc') return await answerCall(standIn, caller, rest[1] ?? '', parse(body))
    return await answerTable(standIn, caller, {
      method: request.method ?? '',
      table: rest[0] ?? '',
      query: url.searchParams,
      body,
    })
  } catch (fault) {
    return describe(fault)
  }
}

function parse(body: string): Readonly<Record<string, unknown>> {
  return body === '' ? {} : (JSON.parse(body) as Readonly<Record<string, unknown>>)
}

async function identify(standIn: StandIn, request: IncomingMessage): Promise<Caller | undefined> {
  const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
  try {
    const { payload } = await jwtVerify(token, standIn.secret)
    return { role: String(payload['role']), claims: payload, headers: request.headers }
  } catch {
    return undefined
  }
}

/** Sign-in by phone code: what supabase-js asks of it. */
async function answerAuth(
  standIn: StandIn,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const { phone: given } = body
  const phone = typeof given === 'string' ? given.replace('+', '') : ''
  if (path === 'otp') {
    standIn.codes.set(phone, String(randomBytes(4).readUInt32BE() % 1_000_000).padStart(6, '0'))
    return json(200, {})
  }
  if (path === 'verify') {
    if (body['token'] !== standIn.codes.get(phone))
      return json(403, { code: 'otp_expired', msg: 'Token is wrong' })
    standIn.codes.delete(phone)
    const [user] = await standIn.database.asSuperuser<{ id: string }>(
      'INSERT INTO auth.users (phone) VALUES ($1) ON CONFLICT (phone) DO UPDATE SET phone = excluded.phone RETURNING id',
      [phone],
    )
    return openSession(standIn, { userId: user?.id ?? '', phone, sessionId: randomUUID() })
  }
  if (path === 'token') {
    const session = standIn.sessions.get(String(body['refresh_token']))
    return session === undefined
      ? json(400, { code: 'refresh_token_not_found' })
      : openSession(standIn, session)
  }
  return path === 'logout' ? json(200, {}) : json(404, {})
}

async function openSession(
  standIn: StandIn,
  session: { readonly userId: string; readonly phone: string; readonly sessionId: string },
): Promise<Answer> {
  const { userId, phone, sessionId } = session
  const refresh = randomUUID()
  standIn.sessions.set(refresh, session)
  const claims = { sub: userId, role: 'authenticated', aud: 'authenticated', session_id: sessionId, phone }
  const access = await sign(standIn.secret, claims)
  const user = {
    id: userId,
    phone,
    aud: 'authenticated',
    app_metadata: {},
    user_metadata: {},
    created_at: new Date().toISOString(),
  }
  return json(200, {
    access_token: access,
    refresh_token: refresh,
    token_type: 'bearer',
    expires_in: 3600,
    user,
  })
}

async function answerFunction(
  standIn: StandIn,
  request: IncomingMessage,
  name: string,
  body: string,
): Promise<Answer> {
  const run = standIn.functions.get(name)
  if (run === undefined) return json(404, { code: 'NOT_FOUND' })
  const headers = new Headers()
  for (const [field, value] of Object.entries(request.headers))
    if (typeof value === 'string') headers.set(field, value)
  const response = await run(
    new Request('http://stand-in/', { method: request.method ?? 'POST', headers, body }),
  )
  return { status: response.status, body: await response.text() }
}

async function inTransaction<T>(
  { pool }: StandIn,
  caller: Caller,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    // The powerless login that PostgREST has.
    await client.query('SET LOCAL SESSION AUTHORIZATION authenticator')
    await client.query(`SET LOCAL ROLE ${quote(caller.role)}`)
    await client.query(
      `SELECT set_config('request.jwt.claims', $1, true), set_config('request.headers', $2, true)`,
      [JSON.stringify(caller.claims), JSON.stringify(caller.headers)],
    )
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (fault) {
    await client.query('ROLLBACK')
    throw fault
  } finally {
    client.release()
  }
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A function of the exposed schema, found by the names of the parameters that were given. */
async function answerCall(
  standIn: StandIn,
  caller: Caller,
  name: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  return inTransaction(standIn, caller, async (client) => {
    const { rows } = await client.query<{ names: string[] | null; types: string[] }>(
      `SELECT proargnames AS names, ARRAY(SELECT format_type(t, NULL) FROM unnest(proargtypes) WITH ORDINALITY a (t, n) ORDER BY n) AS types
         FROM pg_proc WHERE proname = $1 AND pronamespace = 'public'::regnamespace`,
      [name],
    )
    const given = Object.keys(parameters)
    const found = rows.find(
      ({ names }) => (names ?? []).length === given.length && given.every((one) => names?.includes(one)),
    )
    if (found === undefined)
      return json(404, { code: 'PGRST202', message: 'Could not find the function in the schema cache' })
    const typed = (found.names ?? [])
      .map((one, index) => `${quote(one)} ${found.types[index] ?? 'text'}`)
      .join(', ')
    const passed = given.map((one) => `${quote(one)} := p.${quote(one)}`).join(', ')
    const from = given.length === 0 ? '' : `FROM json_to_record($1::json) AS p (${typed})`
    const answered = await client.query<{ result: unknown }>(
      `SELECT public.${quote(name)}(${passed}) AS result ${from}`,
      given.length === 0 ? [] : [JSON.stringify(parameters)],
    )
    return json(200, answered.rows[0]?.result ?? null)
  })
}

const OPERATORS: Readonly<Record<string, string>> = {
  eq: '=',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  neq: '<>',
}

/** The filters of a query; an operator that is unknown is refused. */
function readFilters(query: URLSearchParams): { readonly where: string; readonly values: readonly string[] } {
  const values: string[] = []
  const parts = [...query].flatMap(([column, text]) => {
    if (['select', 'order', 'limit', 'columns'].includes(column)) return []
    const at = text.indexOf('.')
    const operator = OPERATORS[text.slice(0, at)]
    if (operator === undefined) throw Object.assign(new Error('failed to parse filter'), { code: 'PGRST100' })
    values.push(text.slice(at + 1))
    return [`${quote(column)} ${operator} $${String(values.length + 1)}`]
  })
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values }
}

async function answerTable(
  standIn: StandIn,
  caller: Caller,
  asked: {
    readonly method: string
    readonly table: string
    readonly query: URLSearchParams
    readonly body: string
  },
): Promise<Answer> {
  const { method, query, body } = asked
  const table = `public.${quote(asked.table)}`
  const { where, values } = readFilters(query)
  // The filters' places begin at $2 everywhere.
  const sent = [body === '' ? null : body, ...values]
  return inTransaction(standIn, caller, async (client) => {
    if (method === 'GET') {
      const select = query.get('select') ?? '*'
      const columns = select === '*' ? '*' : select.split(',').map(quote).join(', ')
      const { rows } = await client.query<{ rows: unknown }>(
        `SELECT coalesce(json_agg(t), '[]') AS rows, $1::text FROM (SELECT ${columns} FROM ${table} ${where}) t`,
        sent,
      )
      return json(200, rows[0]?.rows)
    }
    if (method === 'POST') {
      const rows = [JSON.parse(body) as object].flat()
      const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].map(quote).join(', ')
      await client.query(
        `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1)`,
        [JSON.stringify(rows)],
      )
      return { status: 201, body: '' }
    }
    if (where === '') return json(400, { code: '21000', message: `${method} requires a WHERE clause` })
    if (method === 'DELETE') await client.query(`DELETE FROM ${table} ${where} AND $1::text IS NULL`, sent)
    else {
      const columns = Object.keys(parse(body)).map(quote)
      const set = columns.map((column) => `${column} = changed.${column}`).join(', ')
      await client.query(
        `UPDATE ${table} SET ${set} FROM (SELECT * FROM json_populate_record(NULL::${table}, $1)) changed ${where.replaceAll(/"(\w+)" /g, `${table}."$1" `)}`,
        sent,
      )
    }
    return { status: 204, body: '' }
  })
}

/** PostgreSQL's faults as PostgREST answers them. */
function describe(fault: unknown): Answer {
  const { code = '', message } = fault as { readonly code?: string; readonly message: string }
  const status = /^PT(\d{3})$/.exec(code)?.[1]
  const known: Readonly<Record<string, number>> = {
    '42501': 403,
    '42P01': 404,
    '23505': 409,
    '42703': 400,
    PGRST100: 400,
    P0001: 400,
    '22P02': 400,
  }
  return json(status === undefined ? (known[code] ?? 500) : Number(status), {
    code,
    message,
    details: null,
    hint: null,
  })
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
}
