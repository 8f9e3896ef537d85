import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { SITE_HEADERS, createSite, openInbox } from '@keyhaven/page'
import { de } from '../../packages/page/src/web/texts/de.ts'
import { en } from '../../packages/page/src/web/texts/en.ts'

const inbox = openInbox()
const site = createSite({ realmId: 'ab'.repeat(16), inbox })
const ask = async (path: string, init?: RequestInit): Promise<Response | undefined> =>
  site(new Request(`http://localhost:1${path}`, init))
const built = new URL('../../packages/page/dist/web/', import.meta.url)

test('the page carries the headers that keep others out, and its realm', async () => {
  const answer = await ask('/')
  const policy = answer?.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'")
  expect(policy).toContain("require-trusted-types-for 'script'; trusted-types keyhaven")
  expect(policy).not.toMatch(/'unsafe-|https?:|\*/)
  expect(answer?.headers.get('cross-origin-opener-policy')).toBe('same-origin')
  expect(answer?.headers.get('cross-origin-embedder-policy')).toBe('require-corp')
  expect(answer?.headers.get('cross-origin-resource-policy')).toBe('same-origin')
  expect(answer?.headers.get('permissions-policy')).toContain('camera=()')
  expect(await answer?.text()).toContain(`content="${'ab'.repeat(16)}"`)
})

test('every file has the same headers; what a release changes is asked for anew', async () => {
  interface Manifest {
    readonly icons: readonly { readonly src: string; readonly type: string; readonly purpose: string }[]
  }
  const manifest = (await ask('/app.webmanifest'))?.json() as Promise<Manifest>
  const { icons } = await manifest
  expect(icons.map(({ purpose }) => purpose)).toContain('maskable')
  for (const { src, type } of icons) {
    expect((await ask(src))?.headers.get('content-type')).toBe(type)
  }
  for (const path of ['/service-worker.js', '/app.webmanifest', '/', ...icons.map(({ src }) => src)]) {
    const headers = (await ask(path))?.headers
    expect(headers?.get('cache-control')).toBe('no-cache')
    for (const [name, value] of Object.entries(SITE_HEADERS)) expect(headers?.get(name)).toBe(value)
  }
})

test('only files of the build are served', async () => {
  for (const path of ['/../package.json', '/%2e%2e/package.json', '/nothing', '/assets/']) {
    expect(await ask(path)).toBeUndefined()
  }
})

test('the test inbox answers its own page alone, and one number alone', async () => {
  await inbox.send({ phone: '+12025550100', code: '123456' })
  const body = JSON.stringify({ phone: '+12025550100' })
  const from = (host: string, origin: string): RequestInit => ({
    method: 'POST',
    body,
    headers: { host, origin },
  })
  const own = await ask('/inbox', from('localhost:1', 'http://localhost:1'))
  expect(await own?.json()).toEqual({ code: '123456' })
  expect((await ask('/inbox', from('localhost:1', 'http://evil.example')))?.status).toBe(403)
  expect((await ask('/inbox', from('evil.example', 'http://evil.example')))?.status).toBe(403)
  const other = {
    ...from('localhost:1', 'http://localhost:1'),
    body: JSON.stringify({ phone: '+12025550101' }),
  }
  expect(await (await ask('/inbox', other))?.json()).toEqual({ code: null })
  const none = createSite({ realmId: 'ab'.repeat(16) })
  expect(
    await none(new Request('http://localhost:1/inbox', from('localhost:1', 'http://localhost:1'))),
  ).toBeUndefined()
})

interface Chunk {
  readonly file: string
  readonly imports?: readonly string[]
}

test('the first load is below 150 kB of gzipped script', () => {
  const files = JSON.parse(readFileSync(new URL('manifest-of-files.json', built), 'utf8')) as Record<
    string,
    Chunk
  >
  const seen = new Set<string>()
  const visit = (name: string): void => {
    if (seen.has(name)) return
    seen.add(name)
    for (const next of files[name]?.imports ?? []) visit(next)
  }
  visit('index.html')
  const sizes = [...seen].map(
    (name) => gzipSync(readFileSync(new URL(files[name]?.file ?? '', built))).length,
  )
  const total = sizes.reduce((sum, size) => sum + size, 0)
  expect(total).toBeGreaterThan(50_000)
  expect(total).toBeLessThan(150_000)
})

test('no text has a word that only programmers know', () => {
  const jargon = readFileSync(new URL('../../tools/jargon.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n')
  const found = [en, de].flatMap(listTexts).flatMap((text) => {
    const words = jargon.filter((word) => new RegExp(`\\b${word}\\b`, 'iu').test(text))
    return words.map((word) => `${word}: ${text}`)
  })
  expect(listTexts(en).length).toBeGreaterThan(150)
  expect(found).toEqual([])
})

function listTexts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'function')
    return [String((value as (...input: readonly string[]) => unknown)('2', '3'))]
  return Object.values(value as object).flatMap(listTexts)
}
