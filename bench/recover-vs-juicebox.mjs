/**
 * Claim: `recover` with the protocol's real PIN hash (Standard2019), in Node, is at least 3 times as fast as the npm
 * package juicebox-sdk. Both recover the same registration from the same running server (1 of 1), in turn.
 *
 * Each figure is the median of several runs, with the fastest and the slowest beside it; the ratio of the medians must hold.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { loadArgon2idNamed, randomBytes, toHex, utf8 } from '../packages/keyhaven/dist/crypto/index.js'
import { parseConfiguration, recover, register } from '../packages/keyhaven/dist/recovery/index.js'
import { loadJuiceboxSdk } from '../packages/server/dist/realm/testing/juicebox-sdk.js'
import { spawnServer } from '../packages/server/dist/testing/server-process.js'

const RUNS = Number(process.env.RUNS ?? 15)
const LIMIT = 3
const PIN = utf8('493817')
const INFO = utf8('artemis')
const tenantKey = randomBytes(32)

function token(realmId) {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'HS256', kid: 'acme:1' })
    .setIssuer('acme')
    .setSubject('bench')
    .setAudience(toHex(realmId))
    .setNotBefore('-1s')
    .setExpirationTime('10m')
    .sign(tenantKey)
}

async function transport({ realm, body, signal }) {
  const response = await fetch(`${realm.address}req`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${await token(realm.id)}`,
      'Content-Type': 'application/octet-stream',
      'X-Juicebox-Version': '0.3.0',
    },
    body,
    signal,
  })
  if (!response.ok) return { kind: 'refused', status: response.status }
  return { kind: 'ok', body: new Uint8Array(await response.arrayBuffer()) }
}

async function time(run) {
  const began = performance.now()
  await run()
  return performance.now() - began
}

function summarize(values) {
  const sorted = [...values].sort((left, right) => left - right)
  return { median: sorted[Math.floor(sorted.length / 2)], fastest: sorted[0], slowest: sorted.at(-1) }
}

async function measure(server) {
  const json = {
    realms: [{ id: server.realmId, address: `${server.origin}/realm/` }],
    register_threshold: 1,
    recover_threshold: 1,
    pin_hashing_mode: 'Standard2019',
  }
  const options = { configuration: parseConfiguration(json), transport, userInfo: INFO, pin: PIN }
  const secret = randomBytes(69)
  await register({ ...options, secret, numGuesses: 10 })
  const sdk = (await loadJuiceboxSdk(token))(json)
  const wasm = await loadArgon2idNamed('wasm')
  const ours = async (more) => {
    const outcome = await recover({ ...options, ...more })
    if (outcome.status !== 'recovered' || toHex(outcome.secret) !== toHex(secret))
      throw new Error(outcome.status)
  }
  const clients = {
    'keyhaven, native Argon2id': () => ours(),
    'keyhaven, wasm Argon2id': () => ours({ argon2id: wasm }),
    'juicebox-sdk': async () => {
      if (toHex(new Uint8Array(await sdk.recover(PIN, INFO))) !== toHex(secret))
        throw new Error('another secret')
    },
  }
  const times = Object.fromEntries(Object.keys(clients).map((name) => [name, []]))
  for (const run of Object.values(clients)) await run()
  for (let run = 0; run < RUNS; run += 1) {
    for (const [name, client] of Object.entries(clients)) times[name].push(await time(client))
  }
  return times
}

const folder = mkdtempSync(join(tmpdir(), 'keyhaven-bench-'))
chmodSync(folder, 0o711)
const tenants = { acme: { 1: { algorithm: 'HS256', encoding: 'hex', data: toHex(tenantKey) } } }
const env = { KEYHAVEN_TENANTS: JSON.stringify(tenants) }
const server = await spawnServer({ data: join(folder, 'data'), env })
try {
  const times = await measure(server)
  const peer = summarize(times['juicebox-sdk']).median
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}, ${RUNS} runs each, in turn\n`,
  )
  console.log('| recover | median ms | fastest | slowest | times as fast as juicebox-sdk |')
  console.log('|---|---|---|---|---|')
  for (const [name, values] of Object.entries(times)) {
    const { median, fastest, slowest } = summarize(values)
    console.log(
      `| ${name} | ${median.toFixed(0)} | ${fastest.toFixed(0)} | ${slowest.toFixed(0)} | ${(peer / median).toFixed(1)} |`,
    )
  }
  const ratio = peer / summarize(times['keyhaven, native Argon2id']).median
  console.log(`\nAt least ${LIMIT} times as fast with native Argon2id: ${ratio >= LIMIT ? 'yes' : 'no'}.`)
  process.exitCode = ratio >= LIMIT ? 0 : 1
} finally {
  server.kill('SIGTERM')
  await server.exited
  rmSync(folder, { recursive: true, force: true })
}
