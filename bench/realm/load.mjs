/**
 * A server with a realm for benches, its people, and what processor time it and its PostgreSQL take.
 *
 * Everybody recovers once with the real client; from then on the same three requests are sent again, each time with a new input. So the
 * server does all of its work for each of them, and the load generator leaves it the processors.
 */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { Agent, request as startRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { parseConfiguration, recover, register } from '../../packages/keyhaven/dist/recovery/index.js'
import {
  encodeRequest,
  generateScalar,
  parseRequest,
  parseResponse,
} from '../../packages/keyhaven/dist/recovery/realm.js'
import { randomBytes, toHex, utf8 } from '../../packages/keyhaven/dist/crypto/index.js'
import { loadGroupLibsodium } from '../../packages/server/dist/realm/group-libsodium.js'
import { spawnServer } from '../../packages/server/dist/testing/server-process.js'

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
const PIN = utf8('493817')
const { privateKey, publicKey } = generateKeyPairSync('ed25519')

/** The key of the tenant `acme`, as the realm takes it. */
export const tenantKey = publicKey.export({ type: 'spki', format: 'der' })

/** Starts it, with limits that no bench reaches, in a folder that `stop` removes. */
export async function startRealm() {
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-bench-'))
  const data = join(folder, 'data')
  const many = '100000000'
  const server = await spawnServer({
    data,
    env: {
      KEYHAVEN_TENANTS: JSON.stringify({
        acme: { 1: { algorithm: 'EdDSA', encoding: 'base64', data: tenantKey.toString('base64') } },
      }),
      KEYHAVEN_REALM_REQUESTS_PER_ADDRESS: many,
      KEYHAVEN_REALM_REQUESTS_PER_USER: many,
      KEYHAVEN_REALM_REQUESTS_PER_TENANT: many,
      KEYHAVEN_REALM_GUESSES_PER_DAY: '10000',
    },
  })
  const stop = async () => {
    server.kill('SIGTERM')
    await server.exited
    rmSync(folder, { recursive: true, force: true })
  }
  return { server, socket: realpathSync(join(data, 'postgres')), postmaster: readPostmaster(data), stop }
}

function readPostmaster(data) {
  return Number(readFileSync(join(data, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
}

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

/** Processor time in ms of the server: fields 14 and 15 of proc(5). */
export function serverTime({ server }) {
  const stat = readStat(server.pid)
  return ((stat[11] + stat[12]) * 1000) / TICKS
}

/** Processor time in ms of PostgreSQL: that of all its processes, and of those that ended (16, 17). */
export function postgresTime({ postmaster }) {
  const ended = readStat(postmaster)
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readStat)
  const living = all.filter((stat) => stat?.[1] === postmaster)
  const ticks = living.reduce((sum, stat) => sum + stat[11] + stat[12], 0)
  return ((ticks + ended[11] + ended[12] + ended[13] + ended[14]) * 1000) / TICKS
}

/** A token of `acme` for one record. */
export async function signToken(realmId, subject) {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'EdDSA', kid: 'acme:1' })
    .setIssuer('acme')
    .setSubject(subject)
    .setAudience(realmId)
    .setNotBefore('-1s')
    .setExpirationTime('2h')
    .sign(privateKey)
}

const group = await loadGroupLibsodium()
const agent = new Agent({ keepAlive: true })

function post(url, { headers, body }) {
  return new Promise((done, fail) => {
    const request = startRequest(url, { method: 'POST', agent, headers }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part))
      answer.on('end', () => done({ status: answer.statusCode, body: new Uint8Array(Buffer.concat(parts)) }))
      answer.on('error', fail)
    })
    request.on('error', fail)
    request.end(body)
  })
}

/** Registers somebody and recovers once; the result recovers again. */
export async function createPerson({ server }) {
  const json = {
    realms: [{ id: server.realmId, address: `${server.origin}/realm/` }],
    register_threshold: 1,
    recover_threshold: 1,
    pin_hashing_mode: 'FastInsecure',
  }
  const configuration = parseConfiguration(json, { insecureForTests: true })
  const token = await signToken(server.realmId, toHex(randomBytes(16)))
  const headers = { Authorization: `Bearer ${token}`, 'X-Juicebox-Version': '0.3.0' }
  const url = `${server.origin}/realm/req`
  // A connection that was kept may be closed just when it is used again; the same input is not counted twice.
  const ask = (body) => post(url, { headers, body }).catch(() => post(url, { headers, body }))
  const sent = []
  const transport = async ({ body }) => {
    sent.push(parseRequest(body))
    const answer = await ask(body)
    return answer.status === 200
      ? { kind: 'ok', body: answer.body }
      : { kind: 'refused', status: answer.status }
  }
  const options = { configuration, transport, userInfo: utf8('person'), pin: PIN }
  await register({ ...options, secret: randomBytes(32), numGuesses: 10 })
  const { status } = await recover(options)
  if (status !== 'recovered') throw new Error(status)
  const steps = sent.slice(-3)
  return async () => {
    for (const step of steps) {
      const again = 'blindedInput' in step ? { ...step, blindedInput: makeInput() } : step
      const answer = await ask(encodeRequest(again))
      const said =
        answer.status === 200
          ? parseResponse({ kind: step.kind, body: answer.body, group }).status
          : answer.status
      if (said !== 'ok') throw new Error(`A ${step.kind} was answered with ${said}.`)
    }
  }
}

function makeInput() {
  return group.multiplyBase(generateScalar(group))
}

/** Complete recoveries by so many people at once, for so long; times in ms. */
export async function recoverForAWhile(people, { seconds, atOnce }) {
  const began = performance.now()
  const times = []
  const work = async (offset) => {
    for (let turn = offset; performance.now() - began < seconds * 1000; turn += atOnce) {
      const start = performance.now()
      await people[turn % people.length]()
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, (_, offset) => work(offset)))
  const elapsed = (performance.now() - began) / 1000
  times.sort((left, right) => left - right)
  const at = (share) => times[Math.floor(times.length * share)]
  return { count: times.length, rate: times.length / elapsed, p50: at(0.5), p99: at(0.99) }
}
