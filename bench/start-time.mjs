/**
 * Claim: a server with its own PostgreSQL is ready, from the start of its process, in under 5 s with a new data directory and in
 * under 2 s with an old one; with the system's PostgreSQL and with the npm package's. Syncing is on, as always.
 *
 * Each figure is the median of several runs, with the fastest and the slowest beside it; the median must hold.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnServer } from '../packages/server/dist/testing/server-process.js'

const RUNS = Number(process.env.RUNS ?? 5)
const LIMITS = { new: 5000, old: 2000 }

async function measure(data, binaries) {
  const began = performance.now()
  const server = await spawnServer({ data, binaries })
  const milliseconds = performance.now() - began
  server.kill('SIGTERM')
  await server.exited
  return milliseconds
}

function summarize(values) {
  const sorted = [...values].sort((left, right) => left - right)
  return { median: sorted[Math.floor(sorted.length / 2)], fastest: sorted[0], slowest: sorted.at(-1) }
}

const seconds = (milliseconds) => (milliseconds / 1000).toFixed(2)
let held = true
console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}, ${RUNS} runs each\n`,
)
console.log('| PostgreSQL | data directory | median s | fastest | slowest | limit |')
console.log('|---|---|---|---|---|---|')
for (const binaries of ['system', 'embedded']) {
  const times = { new: [], old: [] }
  for (let run = 0; run < RUNS; run += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'keyhaven-bench-'))
    chmodSync(folder, 0o711)
    try {
      times.new.push(await measure(join(folder, 'data'), binaries))
      times.old.push(await measure(join(folder, 'data'), binaries))
    } catch (error) {
      if (binaries !== 'system' || error.fault?.code !== 'ERR_START_REFUSED') throw error
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  for (const kind of ['new', 'old']) {
    if (times[kind].length === 0) {
      console.log(`| ${binaries} | ${kind} | not installed here | | | |`)
      continue
    }
    const { median, fastest, slowest } = summarize(times[kind])
    held &&= median < LIMITS[kind]
    console.log(
      `| ${binaries} | ${kind} | ${seconds(median)} | ${seconds(fastest)} | ${seconds(slowest)} | ${seconds(LIMITS[kind])} |`,
    )
  }
}
process.exitCode = held ? 0 : 1
