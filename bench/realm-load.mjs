/**
 * What a realm costs, for sizing: processor time of the server and of PostgreSQL for one complete recovery, bytes for one record,
 * and both with few and with many records. A real server with a private PostgreSQL that syncs; the load generator is on the
 * same processors, so recoveries per second are a floor and processor time is the figure to plan with.
 *
 * RECORDS (100,000) and ROUND_SECONDS (10) change the size.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { SignJWT } from 'jose'
import { parseConfiguration, recover, register } from '../packages/keyhaven/dist/recovery/index.js'
import { randomBytes, toHex, utf8 } from '../packages/keyhaven/dist/crypto/index.js'
import { spawnServer } from '../packages/server/dist/testing/server-process.js'

const RECORDS = Number(process.env.RECORDS ?? 100_000)
const SECONDS = Number(process.env.ROUND_SECONDS ?? 10)
const PEOPLE = 64
const AT_ONCE = 16
const PIN = utf8('493817')
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

const folder = mkdtempSync(join(tmpdir(), 'keyhaven-bench-'))
const data = join(folder, 'data')
const tenantKey = randomBytes(32)
const server = await spawnServer({
  data,
  env: {
    KEYHAVEN_TENANTS: JSON.stringify({
      acme: { 1: { algorithm: 'HS256', encoding: 'hex', data: toHex(tenantKey) } },
    }),
    KEYHAVEN_REALM_REQUESTS_PER_ADDRESS: '100000000',
    KEYHAVEN_REALM_REQUESTS_PER_USER: '100000000',
    KEYHAVEN_REALM_REQUESTS_PER_TENANT: '100000000',
    KEYHAVEN_REALM_GUESSES_PER_DAY: '10000',
  },
})
const postmaster = Number(readFileSync(join(data, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
const socket = encodeURIComponent(realpathSync(join(data, 'postgres')))
const client = new pg.Client({ connectionString: `postgres://keyhaven_superuser@${socket}/keyhaven` })
await client.connect()

function readStat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  } catch {
    return undefined
  }
}

/** Processor time in ms: fields 14 and 15 of proc(5), and those of children that ended (16, 17). */
function serverTime() {
  const stat = readStat(server.pid)
  return ((stat[11] + stat[12]) * 1000) / TICKS
}
function postgresTime() {
  const ended = readStat(postmaster)
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readStat)
  const living = all.filter((stat) => stat?.[1] === postmaster)
  const ticks = living.reduce((sum, stat) => sum + stat[11] + stat[12], 0)
  return ((ticks + ended[11] + ended[12] + ended[13] + ended[14]) * 1000) / TICKS
}

const json = {
  realms: [{ id: server.realmId, address: `${server.origin}/realm/` }],
  register_threshold: 1,
  recover_threshold: 1,
  pin_hashing_mode: 'FastInsecure',
}
const configuration = parseConfiguration(json, { insecureForTests: true })

async function createPerson() {
  const subject = toHex(randomBytes(16))
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'HS256', kid: 'acme:1' })
    .setIssuer('acme')
    .setSubject(subject)
    .setAudience(server.realmId)
    .setNotBefore('-1s')
    .setExpirationTime('2h')
    .sign(tenantKey)
  const headers = { Authorization: `Bearer ${token}`, 'X-Juicebox-Version': '0.3.0' }
  const transport = async ({ realm, body }) => {
    const answer = await fetch(`${realm.address}req`, { method: 'POST', headers, body })
    if (!answer.ok) throw new Error(`The realm answered ${answer.status}.`)
    return { kind: 'ok', body: new Uint8Array(await answer.arrayBuffer()) }
  }
  const options = { configuration, transport, userInfo: utf8('person'), pin: PIN }
  await register({ ...options, secret: randomBytes(32), numGuesses: 10 })
  return options
}

async function measure(people) {
  const before = [serverTime(), postgresTime()]
  const began = performance.now()
  const times = []
  const work = async (offset) => {
    for (let turn = offset; performance.now() - began < SECONDS * 1000; turn += AT_ONCE) {
      const start = performance.now()
      const outcome = await recover(people[turn % people.length])
      if (outcome.status !== 'recovered') throw new Error(outcome.status)
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, (_, offset) => work(offset)))
  const seconds = (performance.now() - began) / 1000
  times.sort((left, right) => left - right)
  const count = times.length
  return {
    rate: count / seconds,
    p50: times[Math.floor(count / 2)],
    p99: times[Math.floor(count * 0.99)],
    server: (serverTime() - before[0]) / count,
    postgres: (postgresTime() - before[1]) / count,
  }
}

async function sizeOf() {
  const { rows } = await client.query(
    "SELECT count(*)::int AS count, pg_total_relation_size('realm.records')::int8 AS bytes FROM realm.records",
  )
  return { count: rows[0].count, bytes: Number(rows[0].bytes) }
}

try {
  const people = await Promise.all(Array.from({ length: PEOPLE }, createPerson))
  await measure(people)
  const few = { ...(await sizeOf()), ...(await measure(people)) }
  await client.query(
    `INSERT INTO realm.records (record_id, tenant, state, version, num_guesses, guess_count, unlock_key_tag_hash, charged,
                                sealed, spent_day, spent_evaluations)
     SELECT sha256(n::text::bytea), 'acme', 'registered', substring(sha256(n::text::bytea) FOR 16), 10, 0, sha256(n::text::bytea),
            '', r.sealed, 0, 0
     FROM generate_series(1, $1::int) n, (SELECT sealed FROM realm.records LIMIT 1) r`,
    [RECORDS - PEOPLE],
  )
  await client.query('VACUUM (ANALYZE) realm.records')
  const many = { ...(await sizeOf()), ...(await measure(people)) }
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} processors, Node ${process.version}, ${SECONDS} s each, ${AT_ONCE} people at once\n`,
  )
  console.log('| records | recoveries per second | p50 | p99 | processor time of one: server | PostgreSQL |')
  console.log('|---|---|---|---|---|---|')
  for (const { count, rate, p50, p99, server: own, postgres } of [few, many]) {
    console.log(
      `| ${count.toLocaleString('en')} | ${rate.toFixed(0)} | ${p50.toFixed(0)} ms | ${p99.toFixed(0)} ms | ${own.toFixed(2)} ms | ${postgres.toFixed(2)} ms |`,
    )
  }
  console.log(`\nOne record takes ${(many.bytes / many.count).toFixed(0)} bytes with its indexes.`)
} finally {
  await client.end()
  server.kill('SIGTERM')
  await server.exited
  rmSync(folder, { recursive: true, force: true })
}
