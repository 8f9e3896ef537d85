/** What an app's page loads of the vault: each entry with all that it imports at once, and each part loaded when needed. */
import { bundle, sizeOf } from './bundling/bundle.mjs'

/** Limits in kB of 1000 bytes, minified and gzipped. */
const LIMITS = [
  { what: 'keyhaven/vault', code: "export * from 'keyhaven/vault'", limit: 15 },
  { what: 'keyhaven/vault/worker, with the vault', code: "export * from 'keyhaven/vault/worker'", limit: 20 },
  { what: 'keyhaven/nostr', code: "export * from 'keyhaven/nostr'", limit: 38 },
  { what: 'keyhaven/legacy/pubpay', code: "export * from 'keyhaven/legacy/pubpay'", limit: 32 },
  { what: 'keyhaven/legacy/qryptchat', code: "export * from 'keyhaven/legacy/qryptchat'", limit: 20 },
]
const LOADED_LATER = [
  { what: 'Argon2id in WebAssembly', part: /^argon2-wasm/, limit: 13 },
  { what: 'Argon2id in JavaScript', part: /^argon2-javascript/, limit: 12 },
  { what: 'Rules for passwords', part: /^password-strength/, limit: 4 },
  { what: 'Estimate of passwords', part: /^zxcvbn/, limit: 36 },
  { what: 'Schnorr signatures', part: /^schnorr/, limit: 24 },
  { what: 'NIP-44', part: /^nip44/, limit: 30 },
  { what: 'X-Wing', part: /^x-wing/, limit: 38 },
  { what: 'ML-DSA-65', part: /^ml-dsa/, limit: 17 },
]

let held = true
console.log('| loaded | kB gzipped | limit |\n|---|---|---|')
function row(what, bytes, limit) {
  if (bytes > limit * 1000) held = false
  console.log(`| ${what} | ${(bytes / 1000).toFixed(1)} | ${String(limit)} |`)
}
for (const { what, code, limit } of LIMITS) {
  row(what, sizeOf(await bundle(code), 'stdin.js').bytes, limit)
}
const vault = await bundle(LIMITS[0].code)
const { seen } = sizeOf(vault, 'stdin.js')
for (const { what, part, limit } of LOADED_LATER) {
  const name = [...vault.outputs.keys()].find((each) => part.test(each))
  row(`… ${what}, when it is used`, sizeOf(vault, name, seen).bytes, limit)
}
process.exitCode = held ? 0 : 1
