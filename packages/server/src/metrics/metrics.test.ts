/**
 * Metrics as an operator's scraper reads them.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import type { Listener } from '../server.ts'
import { startTestApp } from '../testing/app.ts'
import type { TestApp } from '../testing/app.ts'
import { createBackup } from '../testing/backups.ts'
import { createTestDatabase } from '../testing/database.ts'
import { listenForScrapes } from './listener.ts'
import type { Metrics } from './metrics.ts'
import { createMetrics } from './metrics.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyhaven-metrics-'))
const TOKEN = toHex(randomBytes(16))
let metrics: Metrics
let server: TestApp
const listeners: Listener[] = []

beforeAll(async () => {
  const shared = await createTestDatabase()
  metrics = createMetrics({ curve: { load: () => ({ inside: 3, waiting: 2 }) }, database: shared.database })
  server = await startTestApp({ shared, metrics })
})

afterAll(async () => {
  await Promise.all(listeners.map((listener) => listener.close()))
  rmSync(folder, { recursive: true, force: true })
})

/** The value of a series; 0 when there is none. */
async function read(series: string): Promise<number> {
  const line = (await metrics.text()).split('\n').find((text) => text.startsWith(`${series} `))
  return Number(line?.slice(series.length) ?? 0)
}

async function scrape(
  tokenFile: string | undefined,
): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const listener = await listenForScrapes({ host: '127.0.0.1', port: 0, tokenFile }, metrics)
  listeners.push(listener)
  return (path, init) => fetch(`http://127.0.0.1:${String(listener.port)}${path}`, init)
}

describe('metrics', () => {
  test('count requests by the route’s pattern and refusals by their code, and nothing tells whose they were', async () => {
    const alice = await server.signIn()
    const { ways, registration } = await createBackup(alice)
    const device = '0'.repeat(32)
    await alice.send(`/v1/devices/${device}`, { method: 'PATCH', json: { label: 'secret-label' } })
    await alice.send(`/v1/devices/${device}`, { method: 'PROPFIND' })
    await server.send(`/no/such/${alice.phone}`)
    await server.send('/realm/req', { method: 'POST', body: 'x' })
    const text = await metrics.text()
    expect(
      await read('keyhaven_http_requests_total{method="PATCH",route="/v1/devices/:id",status="404"}'),
    ).toBe(1)
    expect(
      await read('keyhaven_http_requests_total{method="other",route="/v1/devices/:id",status="405"}'),
    ).toBe(1)
    expect(await read('keyhaven_http_requests_total{method="POST",route="/realm/req",status="426"}')).toBe(1)
    expect(await read('keyhaven_refusals_total{code="ERR_CLIENT_TOO_OLD"}')).toBe(1)
    expect(
      await read('keyhaven_http_request_duration_seconds_count{method="POST",route="/v1/auth/verify"}'),
    ).toBe(1)
    const known = [
      alice.accountId,
      alice.phone,
      alice.deviceId,
      ways.id,
      registration,
      device,
      'secret-label',
    ]
    for (const secret of known) expect(text).not.toContain(secret)
  })

  test('have the same series however many different addresses are asked for', async () => {
    const count = async (): Promise<number> =>
      (await metrics.text()).split('\n').filter((line) => line.startsWith('keyhaven_')).length
    await server.send('/somewhere')
    const before = await count()
    for (let round = 0; round < 20; round += 1) await server.send(`/${toHex(randomBytes(8))}`)
    expect(await count()).toBe(before)
  })

  test('count what the realm did by tenant, and an attempt that used up the last guess as a lock', async () => {
    metrics.realmEvent({ type: 'guess_used', guessesRemaining: 1 }, 'acme')
    metrics.realmEvent({ type: 'guess_used', guessesRemaining: 0 }, 'acme')
    metrics.realmEvent({ type: 'recovery_refused', reason: 'wrong-tag' }, 'acme')
    expect(await read('keyhaven_realm_events_total{tenant="acme",type="guess_used",reason=""}')).toBe(2)
    expect(
      await read('keyhaven_realm_events_total{tenant="acme",type="recovery_refused",reason="wrong-tag"}'),
    ).toBe(1)
    expect(await read('keyhaven_realm_locks_total{tenant="acme"}')).toBe(1)
  })

  test('show the queues as they are', async () => {
    expect(await read('keyhaven_curve_places_taken')).toBe(3)
    expect(await read('keyhaven_curve_queue_depth')).toBe(2)
    const waiting = 'keyhaven_database_connections{login="keyhaven_app",state="waiting"}'
    expect((await metrics.text()).split('\n')).toContain(`${waiting} 0`)
  })
})

describe('their address', () => {
  test('answers /metrics and nothing else, and the API’s has no /metrics', async () => {
    const get = await scrape(undefined)
    const answer = await get('/metrics')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ])
    expect(await answer.text()).toContain('process_cpu_seconds_total')
    expect((await get('/v1/pointer')).status).toBe(404)
    expect((await get('/metrics', { method: 'POST' })).status).toBe(405)
    expect((await server.send('/metrics')).status).toBe(404)
  })

  test('asks for the token where there is one', async () => {
    const tokenFile = join(folder, 'token')
    writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
    const get = await scrape(tokenFile)
    const status = async (authorization?: string): Promise<number> =>
      (await get('/metrics', authorization === undefined ? {} : { headers: { authorization } })).status
    expect(await status()).toBe(401)
    for (const wrong of ['', TOKEN, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `bearer  ${TOKEN}`]) {
      expect(await status(wrong)).toBe(401)
    }
    expect(await status(`Bearer ${TOKEN}`)).toBe(200)
  })

  test.each([
    ['too short', 'x'.repeat(31), 0o600],
    ['longer than what is read of it', 'x'.repeat(5000), 0o600],
    ['of two lines', `${'x'.repeat(32)}\n${'x'.repeat(32)}`, 0o600],
    ['that everybody can write', 'x'.repeat(40), 0o602],
  ])('is not opened with a token file that is %s', async (name, text, mode) => {
    const tokenFile = join(folder, name)
    writeFileSync(tokenFile, text)
    chmodSync(tokenFile, mode)
    await expect(listenForScrapes({ host: '127.0.0.1', port: 0, tokenFile }, metrics)).rejects.toMatchObject({
      code: 'ERR_SETTING_INVALID',
      details: { setting: 'KEYHAVEN_METRICS_TOKEN_FILE' },
    })
  })

  test('is named by its own setting when it is taken', async () => {
    await scrape(undefined)
    const port = listeners.at(-1)?.port ?? 0
    await expect(
      listenForScrapes({ host: '127.0.0.1', port, tokenFile: undefined }, metrics),
    ).rejects.toMatchObject({
      details: { setting: 'KEYHAVEN_METRICS' },
    })
  })
})
