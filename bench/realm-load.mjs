/**
 * What a realm costs, and claims about it: the processor time of one complete recovery (three requests) is at most 2.5 times
 * the sum of its parts measured alone (the SQL one statement after another, as pgbench does unless told), and with 1,000,000 records within 1.2 times that with 1,000. Two real servers, each with a
 * private PostgreSQL that syncs, one for each size; rounds at either and of the parts alternate, since others may be at work, and
 * the medians are compared. The load generator is on the same processors, so recoveries per second are a floor and processor time is
 * the figure to plan with.
 *
 * RECORDS (1,000,000), ROUNDS (5) and ROUND_SECONDS (5) change the size.
 */
import { cpus, loadavg } from 'node:os'
import pg from 'pg'
import { createPerson, postgresTime, recoverForAWhile, serverTime, startRealm } from './realm/load.mjs'
import { measureEvaluation, measureStatements, measureToken } from './realm/parts.mjs'

const RECORDS = Number(process.env.RECORDS ?? 1_000_000)
const FEW = 1000
const ROUNDS = Number(process.env.ROUNDS ?? 5)
const SECONDS = Number(process.env.ROUND_SECONDS ?? 5)
const PEOPLE = 64
const AT_ONCE = 8
const MOST_OF_PARTS = 2.5
const MOST_OF_FEW = 1.2
/** Recoveries until the server's code is compiled, and the most seconds that are given to them. */
const WARM = 1500
const WARM_SECONDS = 40

async function openRealm(records) {
  const realm = await startRealm()
  const client = new pg.Client({
    connectionString: `postgres://keyhaven_superuser@${encodeURIComponent(realm.socket)}/keyhaven`,
  })
  await client.connect()
  const first = await createPerson(realm)
  await addRecords(client, 1, records / 2)
  const people = [first]
  while (people.length < PEOPLE) people.push(await createPerson(realm))
  await addRecords(client, records / 2 + 1, records - PEOPLE)
  await client.query('VACUUM (ANALYZE) realm.records')
  await client.query('CHECKPOINT')
  const { rows } = await client.query("SELECT pg_total_relation_size('realm.records')::float8 AS bytes")
  const until = performance.now() + WARM_SECONDS * 1000
  for (let warm = 0; warm < WARM && performance.now() < until;) {
    warm += (await recoverForAWhile(people, { seconds: 1, atOnce: AT_ONCE })).count
  }
  const stop = async () => {
    await client.end()
    await realm.stop()
  }
  return { realm, client, people, records, bytes: rows[0].bytes / records, rounds: [], stop }
}

async function addRecords(client, from, to) {
  await client.query(
    `INSERT INTO realm.records (record_id, tenant, state, version, num_guesses, guess_count, unlock_key_tag_hash, charged,
                                sealed, spent_day, spent_evaluations)
     SELECT sha256(n::text::bytea), 'acme', 'registered', substring(sha256(n::text::bytea) FOR 16), 10, 0, sha256(n::text::bytea),
            '', r.sealed, 0, 0
     FROM generate_series($1::int, $2::int) n, (SELECT sealed FROM realm.records LIMIT 1) r`,
    [from, to],
  )
}

async function measure({ realm, people, rounds }) {
  const before = [serverTime(realm), postgresTime(realm)]
  const done = await recoverForAWhile(people, { seconds: SECONDS, atOnce: AT_ONCE })
  const server = (serverTime(realm) - before[0]) / done.count
  const postgres = (postgresTime(realm) - before[1]) / done.count
  rounds.push({ ...done, server, postgres, total: server + postgres })
}

function spread(values, digits = 2) {
  const sorted = [...values].sort((left, right) => left - right)
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) =>
    sorted[Math.floor((sorted.length - 1) * share)].toFixed(digits),
  )
  return { middle: Number(middle), text: `${middle} (${low} to ${high})` }
}

const realms = []
try {
  for (const records of [FEW, RECORDS]) realms.push(await openRealm(records))
  const [few, many] = realms
  const parts = []
  for (let round = 0; round < ROUNDS; round += 1) {
    await measure(few)
    await measure(many)
    const evaluation = await measureEvaluation()
    const token = await measureToken(few.realm)
    const statements = await measureStatements(few.realm, few.client)
    const unaudited = await measureStatements(few.realm, few.client, { audited: false })
    const plain = await measureStatements(few.realm, few.client, { asSent: false })
    parts.push({ evaluation, token, statements, unaudited, plain })
  }
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} processors with a load of ${loadavg()[0].toFixed(0)}, Node ${process.version}, ${ROUNDS} rounds of ${SECONDS} s each, ${AT_ONCE} people at once; medians with quartiles\n`,
  )
  console.log('| records | recoveries per second | p50 | p99 | processor time of one: server | PostgreSQL |')
  console.log('|---|---|---|---|---|---|')
  for (const { records, rounds } of realms) {
    const of = (name, digits) =>
      spread(
        rounds.map((round) => round[name]),
        digits,
      ).text
    console.log(
      `| ${records.toLocaleString('en')} | ${of('rate', 0)} | ${of('p50', 0)} ms | ${of('p99', 0)} ms | ${of('server')} ms | ${of('postgres')} ms |`,
    )
  }
  console.log(`\nOne record takes ${many.bytes.toFixed(0)} bytes with its indexes.`)
  const growth = spread(many.rounds.map(({ total }, round) => total / few.rounds[round].total))
  console.log(`Many against few, processor time: ${growth.text} (at most ${MOST_OF_FEW}).`)
  const of = (take) => spread(parts.map(take)).text
  console.log(
    `Parts alone: one evaluation with proof ${of(({ evaluation }) => evaluation)} ms, three token checks ${of(({ token }) => 3 * token)} ms.`,
  )
  const against = (take) =>
    spread(
      few.rounds.map(({ total }, round) => {
        const { evaluation, token } = parts[round]
        return total / (evaluation + 3 * token + take(parts[round]))
      }),
    )
  const hasStatements = parts.every(({ plain }) => plain !== undefined)
  if (hasStatements) {
    const plain = against((part) => part.plain)
    const asSent = against(({ statements }) => statements)
    const { rows } = await few.client.query(
      "SELECT pg_total_relation_size('realm.audit')::float8 / count(*) AS bytes FROM realm.audit",
    )
    console.log(
      `Its SQL under pgbench: ${of((part) => part.plain)} ms one by one; ${of(({ statements }) => statements)} ms prepared and together, as the server sends it.`,
    )
    console.log(
      `Of that the audit feed, two rows of ${rows[0].bytes.toFixed(0)} bytes with their indexes: ${of(({ statements, unaudited }) => statements - unaudited)} ms.`,
    )
    console.log(
      `A recovery against the sum of its parts: ${plain.text} with the SQL one by one (at most ${MOST_OF_PARTS}), ${asSent.text} with it as sent.`,
    )
    if (plain.middle > MOST_OF_PARTS) process.exitCode = 1
  }
  if (growth.middle > MOST_OF_FEW) process.exitCode = 1
} finally {
  for (const { stop } of realms) await stop()
}
