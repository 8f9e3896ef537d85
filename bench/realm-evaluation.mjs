/**
 * Claims: the realm evaluates and proves at least 1,000 blinded inputs per second on one core, with libsodium, and at least
 * twice as many as there are logins with `@serenity-kit/opaque` (Rust in WebAssembly, the server's half of both messages);
 * noble, the client's group, beside it. Points and scalars are checked as in a request; HTTP and database are not in it.
 *
 * Each figure is the median of several rounds, with the slowest and the fastest beside it; the median must hold.
 */
import { cpus } from 'node:os'
import { complete, generateScalar, groupNoble, isPoint } from '../packages/keyhaven/dist/recovery/realm.js'
import { loadGroupLibsodium } from '../packages/server/dist/realm/group-libsodium.js'
import { OPAQUE, createOpaqueLogin } from './peers/opaque.mjs'

const ROUNDS = Number(process.env.RUNS ?? 9)
const ROUND_MS = 500
const LIMIT = 1000
const LEAST_TIMES_OPAQUE = 2

const oprfPrivateKey = generateScalar(groupNoble)
const registration = {
  oprfPrivateKey,
  signedPublicKey: {
    publicKey: groupNoble.multiplyBase(oprfPrivateKey),
    verifyingKey: new Uint8Array(32),
    signature: new Uint8Array(64),
  },
  unlockKeyCommitment: new Uint8Array(32),
}
const inputs = Array.from({ length: 64 }, () => groupNoble.multiplyBase(generateScalar(groupNoble)))

/** Runs of a work per second over one round. */
function measure(work) {
  const began = performance.now()
  let count = 0
  while (performance.now() - began < ROUND_MS) {
    for (const blindedInput of inputs.slice(0, 8)) {
      work(blindedInput)
      count += 1
    }
  }
  return (count / (performance.now() - began)) * 1000
}

/** One evaluation with its proof. */
function evaluateIn(group) {
  return (blindedInput) => {
    if (!isPoint(group, blindedInput)) throw new Error('An input is no point.')
    const decision = { kind: 'evaluate', blindedInput, numGuesses: 10, guessCount: 1 }
    complete({ decision, registration, group })
  }
}

function summarize(values) {
  const sorted = [...values].sort((left, right) => left - right)
  return { median: sorted[Math.floor(sorted.length / 2)], slowest: sorted[0], fastest: sorted.at(-1) }
}

const works = {
  libsodium: evaluateIn(await loadGroupLibsodium()),
  noble: evaluateIn(groupNoble),
  [OPAQUE]: await createOpaqueLogin(),
}
const rates = Object.fromEntries(Object.keys(works).map((name) => [name, []]))
for (const work of Object.values(works)) measure(work)
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, work] of Object.entries(works)) rates[name].push(measure(work))
}
console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, one of ${cpus().length} cores, Node ${process.version}, ${ROUNDS} rounds each\n`,
)
console.log('| work | per second, median | slowest | fastest | at least |')
console.log('|---|---|---|---|---|')
for (const name of Object.keys(works)) {
  const { median, slowest, fastest } = summarize(rates[name])
  const what = name === OPAQUE ? `login, ${name}` : `evaluation with proof, ${name}`
  console.log(
    `| ${what} | ${median.toFixed(0)} | ${slowest.toFixed(0)} | ${fastest.toFixed(0)} | ${name === 'libsodium' ? LIMIT : ''} |`,
  )
}
const ours = summarize(rates.libsodium).median
/** Of neighbouring rounds, so that a busy moment counts for both. */
const timesOpaque = summarize(rates.libsodium.map((rate, round) => rate / rates[OPAQUE][round])).median
console.log(`\nlibsodium is ${(ours / summarize(rates.noble).median).toFixed(1)} times as fast as noble.`)
console.log(
  `It does ${timesOpaque.toFixed(2)} evaluations in the time of one login with ${OPAQUE} (at least ${LEAST_TIMES_OPAQUE}).`,
)
process.exitCode = ours >= LIMIT && timesOpaque >= LEAST_TIMES_OPAQUE ? 0 : 1
