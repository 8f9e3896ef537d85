/** Device mode in Chromium: opening a vault and getting one key, beside PubPay's own steps, in turn on one page. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sparticuz from '@sparticuz/chromium'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'

const ROUNDS = 40
const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'keyhaven-bench-'))
process.env.TMPDIR = folder
const { outputFiles } = await build({
  entryPoints: [join(root, 'e2e/vault/speed.ts')],
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  outdir: '/',
  write: false,
})
const files = new Map(outputFiles.map(({ path, contents }) => [path, contents]))
const server = createServer((request, response) => {
  const file = files.get(request.url)
  response.setHeader('Content-Type', file ? 'text/javascript' : 'text/html')
  response.end(file ?? '<!doctype html><script type="module" src="/speed.js"></script>')
})
await new Promise((resolve) => server.listen(0, 'localhost', resolve))
const browser = await chromium.launch({
  executablePath: await sparticuz.executablePath(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
})
const page = await browser.newPage()
const address = `http://localhost:${String(server.address().port)}/`
const { vectors } = JSON.parse(readFileSync(join(root, 'vectors/pubpay.json'), 'utf8'))
const entries = vectors.find(({ mode }) => mode === 'device').localStorage

await page.goto(address)
await page.waitForFunction('globalThis.measure !== undefined')
await page.evaluate(`prepare(${JSON.stringify(entries)})`)
const warm = []
for (let round = -3; round < ROUNDS; round += 1) {
  const times = await page.evaluate('measure()')
  if (round >= 0) warm.push(times)
}
const first = []
for (let round = 0; round < 10; round += 1) {
  await page.goto(address)
  await page.waitForFunction('globalThis.measure !== undefined')
  first.push(await page.evaluate('measure()'))
}
await browser.close()
server.close()
server.closeAllConnections()
rmSync(folder, { recursive: true })

function spread(samples, what) {
  const sorted = samples.map((times) => times[what]).toSorted((left, right) => left - right)
  const at = (share) => sorted[Math.floor((sorted.length - 1) * share)]
  return {
    median: at(0.5),
    text: `${at(0.5).toFixed(2)} ms (${at(0.25).toFixed(2)} to ${at(0.75).toFixed(2)})`,
  }
}

console.log(`Chromium, ${process.arch}, ${new Date().toISOString().slice(0, 10)}\n`)
console.log(
  '| open a vault by its device key and get one key | ours | PubPay | value | limit | IndexedDB alone |',
)
console.log('|---|---|---|---|---|---|')
function row(what, samples, limit) {
  const [ours, pubpay, database] = ['ours', 'pubpay', 'database'].map((each) => spread(samples, each))
  const ratio = pubpay.median / ours.median
  console.log(
    `| ${what} | ${ours.text} | ${pubpay.text} | ${ratio.toFixed(1)} times | ${limit} | ${database.text} |`,
  )
  return ratio
}
const ratio = row('on a page that is open', warm, '≥ 5 times')
row('as the first thing on a new page', first, '')
process.exitCode = ratio >= 5 ? 0 : 1
