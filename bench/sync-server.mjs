/**
 * Key sync against a local server with its own PostgreSQL, vaults in files, the protocol's own PIN hash: one more
 * conversation at a hundred and at a hundred thousand, interleaved, beside QryptChat's way (all keys again in one blob,
 * sent to a server that throws it away); a first backup and a restore of ten thousand keys.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadArgon2id } from 'keyhaven/crypto'
import { parseConfiguration } from 'keyhaven/recovery'
import { createKeySync, httpTransport, openSession, requestSignInCode, signIn } from 'keyhaven/sync'
import { createVault } from 'keyhaven/vault'
import { fileDeviceProtection, fileStorage } from 'keyhaven/vault/file'
import { spawnServer } from '../packages/server/dist/testing/server-process.js'
import { sealQryptChatBlob } from './peers/qryptchat.mjs'
import { printTable, quartiles, race, show } from './peers/race.mjs'

const PIN = '274951'
const ROUNDS = Number(process.env.ROUNDS ?? 50)
const MANY = Number(process.env.MANY ?? 100_000)
const RUNS = 3
const home = mkdtempSync(join(tmpdir(), 'keyhaven-bench-'))
chmodSync(home, 0o711)
const server = await spawnServer({ data: join(home, 'data') })
const sink = createServer((request, response) => {
  request.resume().on('end', () => response.end())
})
await new Promise((ready) => sink.listen(0, '127.0.0.1', ready))

let uploaded = 0
let hashing = 0
const counted = (url, init) => {
  uploaded += init?.body?.length ?? 0
  return fetch(url, init)
}
const plainArgon2id = await loadArgon2id()
const argon2id = async (input) => {
  const start = performance.now()
  const hash = await plainArgon2id(input)
  hashing += performance.now() - start
  return hash
}

const configuration = parseConfiguration({
  realms: [{ id: server.realmId, address: `${server.origin}/realm/` }],
  register_threshold: 1,
  recover_threshold: 1,
  pin_hashing_mode: 'Standard2019',
})

let devices = 0
async function newDevice(phone) {
  devices += 1
  const name = `device${String(devices)}`
  const vault = await createVault({
    name,
    storage: fileStorage({ directory: join(home, 'vaults') }),
    protections: [fileDeviceProtection({ keyFile: join(home, `${name}.key`) })],
  })
  const { origin } = server
  const earlier = codes().length
  const { requestId } = await requestSignInCode({ origin, phone })
  while (codes().length === earlier) await new Promise((next) => setTimeout(next, 20))
  await signIn({ origin, phone, requestId, code: codes().at(-1), vault, deviceLabel: name })
  const session = await openSession({ vault, fetch: counted })
  const transport = httpTransport({ session })
  return createKeySync({ transport, vault, configuration, argon2id, fetch: counted, realmDeadlineMs: 60_000 })
}
const codes = () =>
  [...server.output().matchAll(/^Keyhaven sign-in code .*: (\d+)$/gm)].map(([, code]) => code)

const newKey = () => crypto.getRandomValues(new Uint8Array(32))
const newKeys = (count) =>
  Object.fromEntries(Array.from({ length: count }, () => [crypto.randomUUID(), newKey()]))
const identityKeys = () => ({ 'x-wing': newKey(), ed25519: newKey(), 'ml-dsa-65': newKey() })

async function deviceWith(phone, count) {
  const sync = await newDevice(phone)
  await sync.keys.importKeys({ identityKeys: identityKeys(), conversationKeys: newKeys(count) })
  await sync.backup({ pin: PIN })
  return sync
}

async function oneMore(sync) {
  uploaded = 0
  await sync.keys.addConversationKey(crypto.randomUUID(), newKey())
  const outcome = await sync.backup()
  if (outcome.uploaded !== 1) throw new Error('One segment was expected.')
  return uploaded
}

function theirs(count) {
  const entries = Object.entries(newKeys(count)).map(([name, key]) => ({ name, key }))
  return async () => {
    const body = await sealQryptChatBlob(entries)
    await fetch(`http://127.0.0.1:${String(sink.address().port)}/`, { method: 'PUT', body })
    return body.length
  }
}

/** Milliseconds besides the PIN hash; the processor time of this process, hash included, goes into `processor`. */
async function withoutHash(processor, work) {
  hashing = 0
  const used = process.cpuUsage()
  const start = performance.now()
  await work()
  const { user, system } = process.cpuUsage(used)
  processor.push((user + system) / 1000)
  return performance.now() - start - hashing
}

const rows = []
const row = (...cells) => rows.push(cells)
try {
  const hundred = await deviceWith('+15005550100', 100)
  const { bytes } = await hundred.status()
  const many = await deviceWith('+15005550101', MANY)
  const atMany = theirs(MANY)
  const theirBytes = await atMany()
  let most = 0
  const [small, large] = await race(
    ROUNDS,
    async () => void (most = Math.max(most, await oneMore(hundred))),
    async () => void (most = Math.max(most, await oneMore(many))),
  )
  const [smallBlob, largeBlob] = await race(7, theirs(100), atMany)
  const count = MANY.toLocaleString('en')
  row(
    `one more conversation at ${count}: bytes uploaded`,
    String(most),
    `QryptChat ${String(theirBytes)}`,
    `${Math.round(theirBytes / most).toLocaleString('en')} times less`,
    '≤ 512',
    most <= 512,
  )
  const ratio = large.median / small.median
  row(
    `… its time, at ${count} against at 100`,
    `${show(large)} against ${show(small)}`,
    `QryptChat ${show(largeBlob)} against ${show(smallBlob)}`,
    ratio.toFixed(2),
    '≤ 1.5',
    ratio <= 1.5,
  )
  row(
    'a hybrid identity (seeds) and 100 conversations, the whole log',
    `${String(bytes)} bytes`,
    '',
    '',
    '< 10,000',
    bytes < 10_000,
  )

  const [first, restored, firstCpu, restoredCpu] = [[], [], [], []]
  for (let run = 0; run < RUNS; run += 1) {
    const phone = `+1500555020${String(run)}`
    const sync = await newDevice(phone)
    const conversationKeys = newKeys(10_000)
    await sync.keys.importKeys({ identityKeys: identityKeys(), conversationKeys })
    first.push(await withoutHash(firstCpu, () => sync.backup({ pin: PIN })))
    const other = await newDevice(phone)
    restored.push(
      await withoutHash(restoredCpu, async () => {
        const { conversationKeys: count } = await other.restore({ pin: PIN })
        if (count !== 10_000) throw new Error('Keys are missing.')
      }),
    )
  }
  const [backup, restore] = [quartiles(first), quartiles(restored)]
  row(
    'first backup of 10,000 keys, besides the PIN hash',
    show(backup),
    '',
    '',
    '< 2 s',
    backup.median < 2000,
  )
  row('restore of 10,000 keys, besides the PIN hash', show(restore), '', '', '< 2 s', restore.median < 2000)
  const loads = loadavg().map((load) => load.toFixed(1))
  console.log(`${cpus()[0]?.model ?? ''}, ${String(cpus().length)} cores, load ${loads.join(' ')}`)
  console.log(
    `Processor time of the client, PIN hashes included: backup ${show(quartiles(firstCpu))}, restore ${show(quartiles(restoredCpu))}`,
  )
  process.exitCode = printTable(rows) ? 0 : 1
} finally {
  sink.close()
  server.kill('SIGTERM')
  await server.exited
  rmSync(home, { recursive: true, force: true })
}
