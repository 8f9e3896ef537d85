/**
 * Claim: the realm evaluates and proves at least 1,000 blinded inputs per second on one core, with libsodium; noble,
 * the client's group, beside it. Points and scalars are checked as in a request; HTTP and database are not in it.
 *
 * Each figure is the median of several rounds, with the slowest and the fastest beside it; the median must hold.
 */
import { cpus } from 'node:os'
import { complete, generateScalar, groupNoble, isPoint } from '../packages/keyhaven/dist/recovery/realm.js'
import { loadGroupLibsodium } from '../packages/server/dist/realm/group-libsodium.js'

const ROUNDS = Number(process.env.RUNS ?? 9)
const ROUND_MS = 500
const LIMIT = 1000

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

/** Evaluations per second over one round. */
function measure(group) {
  const began = performance.now()
  let count = 0
  while (performance.now() - began < ROUND_MS) {
    for (const blindedInput of inputs.slice(0, 8)) {
      if (!isPoint(group, blindedInput)) throw new Error('An input is no point.')
      const decision = { kind: 'evaluate', blindedInput, numGuesses: 10, guessCount: 1 }
      complete({ decision, registration, group })
      count += 1
    }
  }
  return (count / (performance.now() - began)) * 1000
}

function summarize(values) {
  const sorted = [...values].sort((left, right) => left - right)
  return { median: sorted[Math.floor(sorted.length / 2)], slowest: sorted[0], fastest: sorted.at(-1) }
}

const groups = { libsodium: await loadGroupLibsodium(), noble: groupNoble }
const rates = { libsodium: [], noble: [] }
for (const group of Object.values(groups)) measure(group)
for (let round = 0; round < ROUNDS; round += 1) {
  for (const name of Object.keys(groups)) rates[name].push(measure(groups[name]))
}
console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, one of ${cpus().length} cores, Node ${process.version}, ${ROUNDS} rounds each\n`,
)
console.log('| group | evaluations with proof per second, median | slowest | fastest | at least |')
console.log('|---|---|---|---|---|')
for (const name of Object.keys(groups)) {
  const { median, slowest, fastest } = summarize(rates[name])
  console.log(
    `| ${name} | ${median.toFixed(0)} | ${slowest.toFixed(0)} | ${fastest.toFixed(0)} | ${name === 'libsodium' ? LIMIT : ''} |`,
  )
}
const held = summarize(rates.libsodium).median >= LIMIT
console.log(
  `\nlibsodium is ${(summarize(rates.libsodium).median / summarize(rates.noble).median).toFixed(1)} times as fast as noble.`,
)
process.exitCode = held ? 0 : 1
