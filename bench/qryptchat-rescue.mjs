/**
 * Claim: the nonce of QryptChat's conversation keys is found in under 30 s, all 16.7 million candidates tried, in Node
 * and in Chromium; that of an identity takes milliseconds. A wrong PIN is the longest search there is.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sparticuz from '@sparticuz/chromium'
import { build } from 'esbuild'
import { parseQryptChatRow, rescueQryptChatRow } from 'keyhaven/legacy/qryptchat'
import { chromium } from 'playwright-core'

const LIMIT_SECONDS = 30
const ROUNDS = 5
const { vectors } = JSON.parse(readFileSync(new URL('../vectors/qryptchat.json', import.meta.url), 'utf8'))
const sample = vectors.find(({ type }) => type === 'backup-package-7ddec2e')
const identity = sample.encryptedIdentityKeys.dataB64
const conversation = sample.encryptedConversationKeys.dataB64
const rows = {
  identity: { row: { encrypted_identity_keys: identity }, pin: sample.pin },
  whole: { row: { encrypted_identity_keys: identity, encrypted_master_key: conversation }, pin: sample.pin },
  longest: { row: { encrypted_master_key: conversation }, pin: 'another PIN' },
}
for (const each of Object.values(rows)) each.row.phone_number = sample.phone

/** Runs in the page, too. */
async function measure(rescue, parse, { row, pin }) {
  const start = performance.now()
  const { status } = await rescue({ row: parse(JSON.stringify(row)), pin })
  return { status, seconds: (performance.now() - start) / 1000 }
}

const folder = mkdtempSync(join(tmpdir(), 'keyhaven-bench-'))
process.env.TMPDIR = folder
const { outputFiles } = await build({
  stdin: {
    contents: `import { parseQryptChatRow, rescueQryptChatRow } from 'keyhaven/legacy/qryptchat'
      const measure = ${measure.toString()}
      globalThis.measure = (input) => measure(rescueQryptChatRow, parseQryptChatRow, input)`,
    resolveDir: import.meta.dirname,
  },
  bundle: true,
  format: 'esm',
  write: false,
})
const server = createServer((request, response) => {
  const script = request.url === '/page.js'
  response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html')
  response.end(
    script ? outputFiles[0].contents : '<!doctype html><script type="module" src="/page.js"></script>',
  )
})
await new Promise((resolve) => server.listen(0, 'localhost', resolve))
const browser = await chromium.launch({
  executablePath: await sparticuz.executablePath(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
})
const page = await browser.newPage()
await page.goto(`http://localhost:${String(server.address().port)}/`)
await page.waitForFunction('globalThis.measure !== undefined')

const places = {
  Node: (input) => measure(rescueQryptChatRow, parseQryptChatRow, input),
  Chromium: (input) => page.evaluate(`measure(${JSON.stringify(input)})`),
}
const expected = { identity: 'rescued', whole: 'rescued', longest: 'rejected' }
const times = {}
let held = true
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [place, run] of Object.entries(places)) {
    for (const [what, input] of Object.entries(rows)) {
      const { status, seconds } = await run(input)
      if (status !== expected[what]) held = false
      ;(times[`${what} ${place}`] ??= []).push(seconds)
    }
  }
}
await browser.close()
server.close()
server.closeAllConnections()
rmSync(folder, { recursive: true })

const quartiles = (values) => {
  const sorted = values.toSorted((left, right) => left - right)
  const [low, median, high] = [0.25, 0.5, 0.75].map(
    (share) => sorted[Math.floor((sorted.length - 1) * share)],
  )
  return { median, text: `${median.toFixed(2)} s (${low.toFixed(2)} to ${high.toFixed(2)})` }
}
const words = {
  identity: 'identity alone, PBKDF2 included',
  whole: 'the whole sample, found after 95 % of the candidates',
  longest: 'all 16.7 million candidates in vain',
}
console.log('| rescue of a row | Node | Chromium | limit |\n|---|---|---|---|')
for (const [what, text] of Object.entries(words)) {
  const [node, chrome] = Object.keys(places).map((place) => quartiles(times[`${what} ${place}`]))
  if (Math.max(node.median, chrome.median) > LIMIT_SECONDS) held = false
  console.log(`| ${text} | ${node.text} | ${chrome.text} | ${String(LIMIT_SECONDS)} s |`)
}
process.exitCode = held ? 0 : 1
