/**
 * Claim: `keyhaven/recovery`, bundled and minified for a page, is under 40 kB gzipped without Argon2; juicebox-sdk,
 * with its wasm, beside it. Argon2 implementations are chunks of their own that are loaded when a PIN is hashed.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const LIMIT_KB = 40
const require = createRequire(import.meta.url)

const { outputFiles, metafile } = await build({
  entryPoints: [fileURLToPath(new URL('../packages/keyhaven/dist/recovery/index.js', import.meta.url))],
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  outdir: 'out',
  write: false,
  metafile: true,
  logLevel: 'error',
})

/** The chunk and all that it loads at once, without what it loads when asked to. */
function listStatic(name, seen = new Set()) {
  if (seen.has(name)) return seen
  seen.add(name)
  for (const { path, kind } of metafile.outputs[name].imports) {
    if (kind === 'import-statement') listStatic(path, seen)
  }
  return seen
}

const zipped = Object.fromEntries(
  outputFiles.map(({ path, contents }) => {
    const name = Object.keys(metafile.outputs).find((output) => path.endsWith(output))
    return [name, { bytes: contents.length, gzip: gzipSync(contents, { level: 9 }).length }]
  }),
)
const entry = Object.keys(metafile.outputs).find((name) =>
  metafile.outputs[name].entryPoint?.endsWith('recovery/index.js'),
)
const parts = listStatic(entry)
const sum = (names, field) => [...names].reduce((total, name) => total + zipped[name][field], 0)
const lazy = Object.keys(zipped).filter((name) => !parts.has(name))
const sdk = [
  'juicebox-sdk/juicebox-sdk_bg.wasm',
  'juicebox-sdk/juicebox-sdk_bg.js',
  'juicebox-sdk/juicebox-sdk.js',
].map((name) => readFileSync(require.resolve(name)))
const kilobytes = (bytes) => (bytes / 1000).toFixed(1)

console.log('| client | kB minified | kB gzipped | limit |')
console.log('|---|---|---|---|')
console.log(
  `| keyhaven/recovery, without Argon2 | ${kilobytes(sum(parts, 'bytes'))} | ${kilobytes(sum(parts, 'gzip'))} | ${LIMIT_KB} |`,
)
for (const name of lazy) {
  const source = Object.keys(metafile.outputs[name].inputs).find((input) => input.includes('argon2')) ?? name
  const label = source.replace(/^.*\//, '').replace('.js', '')
  console.log(
    `| … loaded when asked for: ${label} | ${kilobytes(zipped[name].bytes)} | ${kilobytes(zipped[name].gzip)} | |`,
  )
}
const total = sdk.reduce((bytes, part) => bytes + part.length, 0)
const totalZipped = sdk.reduce((bytes, part) => bytes + gzipSync(part, { level: 9 }).length, 0)
console.log(`| juicebox-sdk (Argon2 inside) | ${kilobytes(total)} | ${kilobytes(totalZipped)} | |`)
process.exitCode = sum(parts, 'gzip') < LIMIT_KB * 1000 ? 0 : 1
