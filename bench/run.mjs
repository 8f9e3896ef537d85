/** Runs every claim in this folder, one after another, and prints their tables. `npm run bench [-- name …]` picks some. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const wanted = process.argv.slice(2)
const files = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.mjs') && file !== 'run.mjs')
  .filter((file) => wanted.length === 0 || wanted.some((name) => file.includes(name)))
let failed = 0
for (const file of files) {
  process.stdout.write(`\n## ${file}\n\n`)
  if (spawnSync(process.execPath, [join(import.meta.dirname, file)], { stdio: 'inherit' }).status !== 0)
    failed += 1
}
process.stdout.write(`\n${String(files.length - failed)} of ${String(files.length)} ran and held.\n`)
process.exitCode = failed === 0 ? 0 : 1
