/**
 * Claim: what an app's page loads of key sync before anything is called: the session, the keys on this device, the rules
 * for PINs. Every operation loads what it needs when it is called, recovery among it. The files of the entry import from
 * crypto's own files, not from its index: a bundler that splits gives whoever imports an index all that any part uses of it.
 */
import { gzipSync } from 'node:zlib'
import { bundle } from './bundling/bundle.mjs'

/** kB of 1000 bytes, minified and gzipped. */
const LIMIT_KB = 50

const { contents, outputs } = await bundle("export * from 'keyhaven/sync'")
const nameOf = (path) => path.split('/').at(-1)
const sizes = new Map([...contents].map(([name, bytes]) => [name, gzipSync(bytes, { level: 9 }).length]))

/** The chunk and all that it loads at once. */
function listStatic(name, seen = new Set()) {
  if (seen.has(name)) return seen
  seen.add(name)
  for (const { path, kind } of outputs.get(name).imports) {
    if (kind === 'import-statement') listStatic(nameOf(path), seen)
  }
  return seen
}

const sum = (names) => [...names].reduce((total, name) => total + sizes.get(name), 0)
const entry = listStatic('stdin.js')
const inputs = [...entry].flatMap((name) => Object.keys(outputs.get(name).inputs))
const unwanted = inputs.filter((path) =>
  /node_modules\/(zod|@zxcvbn-ts|libphonenumber|@noble\/post-quantum)/.test(path),
)

console.log('| loaded | kB gzipped | limit |\n|---|---|---|')
console.log(`| keyhaven/sync, at entry | ${(sum(entry) / 1000).toFixed(1)} | ${String(LIMIT_KB)} |`)
for (const name of sizes.keys()) {
  if (entry.has(name) || name.startsWith('chunk')) continue
  const later = [...listStatic(name)].filter((part) => !entry.has(part))
  console.log(
    `| … ${name.replace(/-[A-Z0-9]+\.js$/, '')}, when it is used | ${(sum(later) / 1000).toFixed(1)} | |`,
  )
}
for (const path of unwanted) console.log(`Loaded at once, which it must not be: ${path}`)
process.exitCode = sum(entry) < LIMIT_KB * 1000 && unwanted.length === 0 ? 0 : 1
