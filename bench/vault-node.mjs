/** The vault's claims of speed in Node, each with its peer beside it in the same run, interleaved; medians and quartiles. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tools from 'nostr-tools/nip49'
import { loadArgon2id } from 'keyhaven/crypto'
import { openNcryptsec, sealNcryptsec } from 'keyhaven/nostr'
import { createVault, memoryStorage, openVault, passwordProtection } from 'keyhaven/vault'
import { fileDeviceProtection, fileStorage } from 'keyhaven/vault/file'

let held = true
const home = mkdtempSync(join(tmpdir(), 'keyhaven-bench-'))
const record = { type: 'nostr-secret-key', bytes: new Uint8Array(32).fill(7) }

function quartiles(times) {
  const sorted = times.toSorted((left, right) => left - right)
  const at = (share) => sorted[Math.floor((sorted.length - 1) * share)]
  return { low: at(0.25), median: at(0.5), high: at(0.75) }
}

/** Runs each of the works `rounds` times, in turn, and every second round the other way round; their times by round. */
async function race(rounds, ...works) {
  const times = works.map(() => [])
  for (let round = -2; round < rounds; round += 1) {
    const order = round % 2 === 0 ? works.keys() : [...works.keys()].toReversed()
    for (const index of order) {
      const start = performance.now()
      await works[index]()
      if (round >= 0) times[index].push(performance.now() - start)
    }
  }
  return times
}

/** The quartiles of one work's time over another's, each within its round: what slows the machine slows both. */
function ratioOf(over, under) {
  return quartiles(over.map((time, round) => time / under[round]))
}

const spread = ({ low, median, high }) => `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`
const show = (samples) => spread(quartiles(samples)).replace(' ', ' ms ')
const times = (ratio) => `${spread(ratio)} times`

function row(claim, ours, theirs, value, limit, holds) {
  if (!holds) held = false
  console.log(`| ${claim} | ${ours} | ${theirs} | ${value} | ${limit} | ${holds ? 'yes' : 'NO'} |`)
}

console.log(`Node ${process.version}, ${process.arch}, ${new Date().toISOString().slice(0, 10)}\n`)
console.log('| claim | ours | peer | value | limit | holds |\n|---|---|---|---|---|---|')

/** Unlocking by password beside the bare Argon2id with the same parameters. */
{
  const storage = memoryStorage()
  const protection = passwordProtection({ password: 'correct horse', targetMs: 0 })
  await createVault({ name: 'v', storage, protections: [protection] })
  const vault = await openVault({ name: 'v', storage })
  const argon2id = await loadArgon2id()
  const input = { password: new Uint8Array(13), salt: new Uint8Array(16) }
  const [ours, bare] = await race(
    40,
    () => vault.unlock(protection),
    () => argon2id({ ...input, memoryKib: 65_536, iterations: 3, parallelism: 1, length: 32 }),
  )
  const ratio = ratioOf(ours, bare)
  const holds = ratio.median <= 1.15
  row('unlock by password / bare Argon2id', show(ours), show(bare), times(ratio), '≤ 1.15', holds)
}

/** Opening and getting one key in device mode beside PubPay's own steps over a file of its entries. */
{
  const place = {
    name: 'v',
    storage: fileStorage({ directory: join(home, 'vault') }),
    protections: [fileDeviceProtection({ keyFile: join(home, 'device.key') })],
  }
  await (await createVault(place)).put('nostr', record)
  const { vectors } = JSON.parse(readFileSync(new URL('../vectors/pubpay.json', import.meta.url), 'utf8'))
  const entries = join(home, 'pubpay.json')
  writeFileSync(entries, JSON.stringify(vectors.find(({ mode }) => mode === 'device').localStorage))
  const [ours, pubpay] = await race(
    60,
    async () => (await openVault(place)).get('nostr'),
    () => openAsPubPayDoes(entries),
  )
  const ratio = ratioOf(pubpay, ours)
  row(
    'device mode: open and get one key',
    show(ours),
    `PubPay ${show(pubpay)}`,
    times(ratio),
    '≥ 20 times',
    ratio.median >= 20,
  )
}

/** PubPay's decryptWithDeviceKey: PBKDF2 with 100,000 iterations over a key that is random already. */
async function openAsPubPayDoes(path) {
  const { _dk, privateKey } = JSON.parse(readFileSync(path, 'utf8'))
  const encode = (text) => new TextEncoder().encode(text)
  const material = await crypto.subtle.importKey('raw', encode(_dk), { name: 'PBKDF2' }, false, ['deriveKey'])
  const derivation = {
    name: 'PBKDF2',
    salt: encode('pubpay-device-salt'),
    iterations: 100_000,
    hash: 'SHA-256',
  }
  const algorithm = { name: 'AES-GCM', length: 256 }
  const key = await crypto.subtle.deriveKey(derivation, material, algorithm, false, ['encrypt', 'decrypt'])
  const { encrypted, iv } = JSON.parse(privateKey)
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  return crypto.subtle.decrypt({ name: 'AES-GCM', iv: bytes(iv) }, key, bytes(encrypted))
}

/** Ten thousand records: written as one batch, opened anew and listed. */
{
  const place = {
    name: 'many',
    storage: fileStorage({ directory: join(home, 'vault') }),
    protections: [fileDeviceProtection({ keyFile: join(home, 'device.key') })],
  }
  const vault = await createVault(place)
  const names = Array.from(
    { length: 10_000 },
    (_, index) => `conversation/${crypto.randomUUID()}/${String(index)}`,
  )
  const start = performance.now()
  await vault.write(new Map(names.map((name) => [name, record])))
  const written = performance.now() - start
  const [list, openAndList] = await race(
    20,
    () => vault.list(),
    async () => (await openVault(place)).list(),
  )
  row('10,000 names listed', show(list), '', '', '< 50 ms', quartiles(list).median < 50)
  console.log(`| … by a vault that is opened for it | ${show(openAndList)} | | | | |`)
  console.log(`| … 10,000 records written in one batch | ${written.toFixed(0)} ms | | | | |`)
}

/** NIP-49 at log n 16. */
{
  const secretKey = record.bytes
  const password = 'correct horse'
  const sealed = await sealNcryptsec({ secretKey, password, logN: 16 })
  const [ours, theirs] = await race(
    25,
    async () => {
      await sealNcryptsec({ secretKey, password, logN: 16 })
      await openNcryptsec({ ncryptsec: sealed, password })
    },
    () => {
      tools.encrypt(secretKey, password, 16)
      tools.decrypt(sealed, password)
    },
  )
  const ratio = ratioOf(theirs, ours)
  row(
    'ncryptsec sealed and opened, log n 16',
    show(ours),
    `nostr-tools ${show(theirs)}`,
    times(ratio),
    '≥ 1.5 times',
    ratio.median >= 1.5,
  )
}

rmSync(home, { recursive: true })
process.exitCode = held ? 0 : 1
