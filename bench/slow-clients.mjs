/**
 * Claim: clients that send their request at 1 byte a second are cut after 30 s, and meanwhile the others' p99 at most
 * doubles. Rounds with and without them alternate, since others may be at work on the machine; the load generator and the
 * slow clients are on the same processors as the server.
 *
 * SLOW (200), ROUNDS (3) and ROUND_SECONDS (10) change the size.
 */
import { connect } from 'node:net'
import { cpus } from 'node:os'
import { createPerson, recoverForAWhile, signToken, startRealm } from './realm/load.mjs'

const SLOW = Number(process.env.SLOW ?? 200)
const ROUNDS = Number(process.env.ROUNDS ?? 3)
const SECONDS = Number(process.env.ROUND_SECONDS ?? 10)
const AT_ONCE = 4
const MOST_CUT_SECONDS = 33
const MOST_RATIO = 2

/** A request whose body comes byte by byte; how long until the server ended it, in seconds. */
function sendSlowly(port, token) {
  const began = performance.now()
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(
    `POST /realm/req HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nX-Juicebox-Version: 0.3.0\r\n` +
      'Content-Type: application/octet-stream\r\nContent-Length: 200\r\n\r\n',
  )
  const drip = setInterval(() => socket.write('a'), 1000)
  let answer = ''
  socket.on('data', (part) => (answer += part.toString('latin1')))
  socket.on('error', () => undefined)
  return new Promise((done) => {
    socket.on('close', () => {
      clearInterval(drip)
      done({ seconds: (performance.now() - began) / 1000, status: answer.slice(9, 12) })
    })
  })
}

const realm = await startRealm()
try {
  const people = await Promise.all(Array.from({ length: 32 }, () => createPerson(realm)))
  const round = () => recoverForAWhile(people, { seconds: SECONDS, atOnce: AT_ONCE })
  await round()
  const rounds = []
  const cuts = []
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    const without = await round()
    const tokens = await Promise.all(
      Array.from({ length: SLOW }, (_, index) => signToken(realm.server.realmId, `slow ${turn} ${index}`)),
    )
    const slow = tokens.map((token) => sendSlowly(realm.server.port, token))
    rounds.push([without, await round()])
    cuts.push(...(await Promise.all(slow)))
  }
  const ratios = rounds.map(([without, beside]) => beside.p99 / without.p99).sort((a, b) => a - b)
  const ratio = ratios[Math.floor(ratios.length / 2)]
  const times = cuts.map(({ seconds }) => seconds).sort((a, b) => a - b)
  const statuses = [...new Set(cuts.map(({ status }) => status))]
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} processors, Node ${process.version}, ${ROUNDS} rounds of ${SECONDS} s, ${AT_ONCE} people at once\n`,
  )
  console.log('| round | recoveries per second | p50 | p99 | beside slow clients | p50 | p99 | p99 ratio |')
  console.log('|---|---|---|---|---|---|---|---|')
  rounds.forEach(([a, b], index) => {
    const show = ({ rate, p50, p99 }) => `${rate.toFixed(0)} | ${p50.toFixed(0)} ms | ${p99.toFixed(0)} ms`
    console.log(`| ${index + 1} | ${show(a)} | ${show(b)} | ${(b.p99 / a.p99).toFixed(2)} |`)
  })
  console.log(
    `\n${SLOW} clients at 1 byte/s: cut after ${times[0].toFixed(1)} to ${times.at(-1).toFixed(1)} s (answers: ${statuses.join(', ')}), p99 of the others ${ratio.toFixed(2)} times (at most ${MOST_RATIO}).`,
  )
  process.exitCode = times.at(-1) <= MOST_CUT_SECONDS && ratio <= MOST_RATIO ? 0 : 1
} finally {
  await realm.stop()
}
