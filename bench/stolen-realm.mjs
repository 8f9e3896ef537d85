/**
 * No claim but a price: what one PIN costs who has stolen a user's only realm together with its seal key, in Node on one
 * core with the fastest parts that we have. A graphics card is faster; the protocol's own PIN hash is what it has to do.
 */
import { cpus } from 'node:os'
import { loadArgon2id, randomBytes, utf8 } from '../packages/keyhaven/dist/crypto/index.js'
import { generateScalar } from '../packages/keyhaven/dist/recovery/realm.js'
import { evaluateDirectly } from '../packages/keyhaven/dist/recovery/oprf.js'
import { stretchPin } from '../packages/keyhaven/dist/recovery/pin.js'
import { deriveUnlockKeys } from '../packages/keyhaven/dist/recovery/registration.js'
import { loadGroupLibsodium } from '../packages/server/dist/realm/group-libsodium.js'

const RUNS = Number(process.env.RUNS ?? 25)
const group = await loadGroupLibsodium()
const argon2id = await loadArgon2id()
const privateKey = generateScalar(group)
const version = randomBytes(16)

async function tryPin(number) {
  const pin = utf8(String(number).padStart(6, '0'))
  const input = { argon2id, mode: 'Standard2019', pin, version, userInfo: utf8('artemis') }
  const { accessKey } = await stretchPin(input)
  return deriveUnlockKeys(evaluateDirectly({ group, input: accessKey, privateKey })).commitment
}

await tryPin(0)
const times = []
const before = process.cpuUsage()
for (let run = 0; run < RUNS; run += 1) {
  const began = performance.now()
  await tryPin(run)
  times.push(performance.now() - began)
}
const used = process.cpuUsage(before)
times.sort((left, right) => left - right)
const cpuMs = (used.user + used.system) / 1000 / RUNS
const median = times[Math.floor(times.length / 2)]
console.log(`${cpus()[0]?.model ?? 'unknown processor'}, one core, Node ${process.version}, ${RUNS} PINs\n`)
console.log('| one PIN | CPU time ms | median ms | fastest | all 1,000,000, days of one core |')
console.log('|---|---|---|---|---|')
console.log(
  `| Argon2id (Standard2019) and one evaluation | ${cpuMs.toFixed(0)} | ${median.toFixed(0)} | ${times[0].toFixed(0)} | ${((cpuMs * 1e6) / 86_400_000).toFixed(1)} |`,
)
