/** What an app's page loads of `keyhaven/identity` and `keyhaven/strength`: at once, and when needed. */
import { bundle, sizeOf } from './bundling/bundle.mjs'

/** Limits in kB of 1000 bytes, minified and gzipped. */
const ENTRIES = [
  {
    entry: 'keyhaven/identity',
    limit: 27,
    later: [
      { what: 'X-Wing', part: /^x-wing/, limit: 30 },
      { what: 'ML-DSA-65', part: /^ml-dsa/, limit: 17 },
    ],
  },
  {
    entry: 'keyhaven/strength',
    limit: 6,
    later: [{ what: 'zxcvbn, its words and keyboards', part: /^zxcvbn/, limit: 35 }],
  },
]

let held = true
console.log('| loaded | kB gzipped | limit |\n|---|---|---|')
function row(what, bytes, limit) {
  if (bytes > limit * 1000) held = false
  console.log(`| ${what} | ${(bytes / 1000).toFixed(1)} | ${String(limit)} |`)
}
for (const { entry, limit, later } of ENTRIES) {
  const bundled = await bundle(`export * from '${entry}'`)
  const { bytes, seen } = sizeOf(bundled, 'stdin.js')
  row(entry, bytes, limit)
  for (const { what, part, limit: most } of later) {
    const name = [...bundled.outputs.keys()].find((each) => part.test(each))
    row(`… ${what}, when it is used`, sizeOf(bundled, name, seen).bytes, most)
  }
}
process.exitCode = held ? 0 : 1
