/** What a complete recovery is made of, each part measured alone: processor time in ms. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseHex } from '../../packages/keyhaven/dist/crypto/index.js'
import { complete, generateScalar, isPoint } from '../../packages/keyhaven/dist/recovery/realm.js'
import { loadGroupLibsodium } from '../../packages/server/dist/realm/group-libsodium.js'
import { createTokenVerifier } from '../../packages/server/dist/realm/token.js'
import { postgresTime, signToken, tenantKey } from './load.mjs'

const RECOVERIES = 300

/** Processor time of one call, after some that do not count. */
async function measure(count, work) {
  for (let turn = 0; turn < count / 4; turn += 1) await work()
  const before = process.cpuUsage()
  for (let turn = 0; turn < count; turn += 1) await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / count
}

/** One evaluation with its proof, the input checked as in a request. */
export async function measureEvaluation() {
  const group = await loadGroupLibsodium()
  const oprfPrivateKey = generateScalar(group)
  const signedPublicKey = {
    publicKey: group.multiplyBase(oprfPrivateKey),
    verifyingKey: new Uint8Array(32),
    signature: new Uint8Array(64),
  }
  const registration = { oprfPrivateKey, signedPublicKey, unlockKeyCommitment: new Uint8Array(32) }
  const blindedInput = group.multiplyBase(generateScalar(group))
  const decision = { kind: 'evaluate', blindedInput, numGuesses: 10, guessCount: 1 }
  return measure(1000, () => {
    if (!isPoint(group, blindedInput)) throw new Error('The input is no point.')
    return complete({ decision, registration, group })
  })
}

/** One check of a token (EdDSA). */
export async function measureToken({ server }) {
  const tenants = new Map([['acme:1', { algorithm: 'EdDSA', data: new Uint8Array(tenantKey) }]])
  const verify = createTokenVerifier({ tenants, realmId: parseHex(server.realmId, 'realmId', 16) })
  const token = await signToken(server.realmId, 'somebody')
  return measure(2000, async () => {
    if ((await verify(token, new Date())) === undefined) throw new Error('The token was refused.')
  })
}

const COLUMNS =
  `state, version, num_guesses, guess_count, unlock_key_tag_hash, charged, last_attempt_until, sealed,
  authority, cooling_until, spent_day, spent_evaluations`.replace(/\s+/g, ' ')
const STATE =
  `SELECT (SELECT key_id FROM realm.epochs WHERE retired_at IS NULL), (SELECT position FROM realm.marks),
  (SELECT array_agg(tenant) FROM (SELECT DISTINCT ON (tenant) tenant, decision FROM realm.decisions WHERE tenant IS NOT NULL
  ORDER BY tenant, sequence DESC) AS latest WHERE decision IN ('tenant-exported', 'tenant-forgotten'))`.replace(
    /\s+/g,
    ' ',
  )

/**
 * The statements of one recovery (db/transaction.ts, db/database.ts, realm/state.ts, realm/records.ts, realm/audit/audit.ts): read; read and
 * write; read and write. `asSent`: for pgbench's prepared mode, and together where the server sends them together; else what opens a
 * transaction as one text, and all others one by one.
 */
function writeScript(row, { audited, asSent }) {
  const id = writeLiteral(row.record_id)
  const begin = [
    'BEGIN',
    "SET LOCAL statement_timeout = '10s'",
    "SET LOCAL lock_timeout = '8s'",
    "SET LOCAL idle_in_transaction_session_timeout = '20s'",
    'SET LOCAL synchronous_commit = on',
    `SET LOCAL app.record_id = '${row.record_id.toString('hex')}'`,
    'SELECT pg_advisory_xact_lock_shared(1)',
    STATE,
    `SELECT ${COLUMNS} FROM realm.records WHERE record_id = ${id} FOR UPDATE`,
  ]
  const columns = ['tenant', ...COLUMNS.split(', ')].map((name) => `${name} = ${writeLiteral(row[name])}`)
  const write = [
    `UPDATE realm.records SET ${columns.join(', ')}, updated_at = now() WHERE record_id = ${id}`,
    ...(audited
      ? [
          `INSERT INTO realm.audit (record_id, event_id, tenant, type, happened_at) VALUES (${id}, uuid_send(gen_random_uuid()), ${writeLiteral(row.tenant)}, 'guess_used', now())`,
        ]
      : []),
    'COMMIT',
  ]
  const open = asSent ? together(begin) : [`${begin.slice(0, -1).join(' \\; ')};`, `${begin.at(-1)};`]
  const close = asSent ? together(write) : write.map((text) => `${text};`)
  return [...open, 'COMMIT;', ...open, ...close, ...open, ...close, ''].join('\n')
}

function together(statements) {
  return ['\\startpipeline', ...statements.map((text) => `${text};`), '\\endpipeline']
}

/** Numbers, words and bytes of a row of ours, as SQL. */
function writeLiteral(value) {
  if (value === null || typeof value === 'number') return String(value)
  return Buffer.isBuffer(value) ? `'\\x${value.toString('hex')}'` : `'${value}'`
}

/** The SQL of one recovery under pgbench, by the realm's own role: what PostgreSQL takes, without pgbench's own; `undefined` without pgbench. `audited`: with the rows of an app's audit feed. */
export async function measureStatements(realm, client, { audited = true, asSent = true } = {}) {
  const program = findPgbench()
  if (program === undefined) return undefined
  const { rows } = await client.query(`SELECT record_id, tenant, ${COLUMNS} FROM realm.records LIMIT 1`)
  const script = join(tmpdir(), `keyhaven-bench-${String(process.pid)}.sql`)
  writeFileSync(script, writeScript(rows[0], { audited, asSent }))
  const run = async () => {
    const done = spawnSync(
      program,
      [
        '-n',
        '-M',
        asSent ? 'prepared' : 'simple',
        '-t',
        String(RECOVERIES),
        '-f',
        script,
        '-h',
        realm.socket,
        '-U',
        'keyhaven_superuser',
        'keyhaven',
      ],
      {
        env: { ...process.env, PGOPTIONS: '-c role=keyhaven_realm' },
        encoding: 'utf8',
      },
    )
    // Its connection's process ends a moment later, and counts from then on.
    await sleep(500)
    return done
  }
  try {
    await run()
    const before = postgresTime(realm)
    const { status, stderr } = await run()
    if (status !== 0) throw new Error(stderr)
    return (postgresTime(realm) - before) / RECOVERIES
  } finally {
    rmSync(script)
  }
}

function findPgbench() {
  const folder = '/usr/lib/postgresql'
  const versions = existsSync(folder) ? readdirSync(folder).sort().reverse() : []
  return versions.map((version) => join(folder, version, 'bin', 'pgbench')).find((path) => existsSync(path))
}
