/**
 * A database that goes away under a running server and comes back.
 */
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { startTestApp } from './testing/app.ts'
import type { TestDatabase } from './testing/database.ts'
import { announce, createBackup, putSegment } from './testing/backups.ts'
import { createSegment, randomId } from './testing/segments.ts'

/** Cuts all connections to the database and lets none in, or lets them in again. */
async function setReachable(database: TestDatabase, reachable: boolean): Promise<void> {
  const url = new URL(database.superuserUrl)
  const [row] = reachable
    ? []
    : await database.asSuperuser<{ name: string }>('SELECT current_database() AS name')
  const name = row?.name ?? closed.get(database) ?? ''
  closed.set(database, name)
  const client = new pg.Client({ connectionString: replaceDatabase(url, name) })
  await client.connect()
  try {
    await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${String(reachable)}`)
    if (!reachable) {
      await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
    }
  } finally {
    await client.end()
  }
}

const closed = new Map<TestDatabase, string>()

function replaceDatabase(url: URL, name: string): string {
  return url.toString().replace(name, 'postgres')
}

describe('while the database is away', () => {
  test('every route answers 503 and changes nothing, and all go on when it is back', async () => {
    const server = await startTestApp()
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const segment = createSegment({ ...alice, sequence: 2, parents: [backup.ways.id] })
    const registration = randomId()
    const requests = [
      () => server.post('/v1/auth/code', { phone: alice.phone }),
      () =>
        server.post('/v1/auth/verify', {
          phone: alice.phone,
          requestId: randomId(),
          code: '000000',
          device: { id: randomId(), label: 'x' },
        }),
      () => server.post('/v1/auth/refresh', { refreshToken: alice.refreshToken }),
      () => alice.get('/v1/access-log'),
      () => alice.get('/v1/log/segments'),
      () => alice.get('/v1/pointer'),
      () => alice.post('/v1/realm-tokens', { registration: backup.registration, realmIds: backup.realms }),
      () => announce(alice, { expectedEtag: backup.etag, registration, realms: backup.realms }),
      () => putSegment(alice, segment),
      () => alice.send('/v1/auth/logout', { method: 'POST' }),
      () => server.send('/readyz'),
    ]
    await setReachable(server.database, false)
    for (const request of requests) {
      const answer = await request()
      expect([answer.status, answer.code]).toEqual([503, 'ERR_DATABASE_UNAVAILABLE'])
    }
    expect((await server.send('/healthz')).status).toBe(200)
    await setReachable(server.database, true)
    expect((await server.send('/readyz')).status).toBe(200)
    expect((await alice.get('/v1/pointer')).body).toMatchObject({ etag: backup.etag, pending: null })
    expect((await putSegment(alice, segment)).status).toBe(201)
    await alice.refresh()
  })
})
