import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseHex, randomBytes, toHex, verifyEd25519 } from 'keyhaven/crypto'
import { deriveAuthKeys } from '../auth/keys.ts'
import { startTestApp } from '../testing/app.ts'
import type { TestApp, TestDevice } from '../testing/app.ts'
import { deriveCommitment, deriveRowHash, isSignedHead, signHead } from './chain.ts'
import type { ErasableField } from './chain.ts'
import type { AccessLogPage } from './read.ts'
import { eraseOldOrigins } from './sweeper.ts'

interface Vectors {
  readonly accountId: string
  readonly chainKey: string
  readonly publicKey: string
  readonly values: readonly { field: ErasableField; salt: string; value: string; commitment: string }[]
  readonly rows: readonly {
    readonly sequence: number
    readonly deviceId: string | null
    readonly type: string
    readonly success: boolean
    readonly code: string | null
    readonly message: string
    readonly createdAt: string
    readonly commitments: Readonly<Record<'deviceLabel' | 'address' | 'userAgent', string | null>>
    readonly hash: string
    readonly signature: string
  }[]
}

const file = new URL('../../../../vectors/access-log-format-1.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

async function readPage(device: TestDevice, query = '?limit=200'): Promise<AccessLogPage> {
  const { status, body } = await device.get(`/v1/access-log${query}`)
  expect(status).toBe(200)
  return body as object as AccessLogPage
}

describe('the chain of format 1, frozen', () => {
  test.each(vectors.values)('commits to the $field $value', ({ field, salt, value, commitment }) => {
    expect(toHex(deriveCommitment({ field, value, salt: parseHex(salt, 'salt', 16) }))).toBe(commitment)
  })

  test('has its hashes and signatures', () => {
    const { accountId } = vectors
    const zero = new Uint8Array(32)
    const chainKey = parseHex(vectors.chainKey, 'chainKey', 32)
    const key = deriveAuthKeys({ tokenKey: zero, phoneKey: zero, chainKey }).accessLog
    expect(toHex(key.publicKeyBytes)).toBe(vectors.publicKey)
    let before: { sequence: number; hash: Uint8Array | null } = { sequence: 0, hash: null }
    for (const row of vectors.rows) {
      const hash = deriveRowHash({ accountId, before, fields: fieldsOf(row) })
      expect(toHex(hash)).toBe(row.hash)
      const { sequence } = row
      expect(toHex(signHead({ accountId, sequence, hash }, key))).toBe(row.signature)
      const signature = parseHex(row.signature, 'signature', 64)
      expect(isSignedHead(accountId, { sequence, hash, signature }, key)).toBe(true)
      expect(isSignedHead(accountId, { sequence: sequence + 1, hash, signature }, key)).toBe(false)
      before = { sequence, hash }
    }
  })
})

describe('the access log', () => {
  test('is a chain whose newest row the server signs, also when several servers write at once', async () => {
    const other = await startTestApp({ shared: server.database, keys: server.keys })
    const alice = await server.signIn()
    const report = { success: true, identityKeys: 1, conversationKeys: 1 }
    const send = async (app: TestApp): Promise<number> =>
      (
        await app.send('/v1/access-log/restored', {
          method: 'POST',
          json: report,
          headers: { Authorization: `Bearer ${alice.accessToken}` },
        })
      ).status
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => send(index % 2 ? server : other)),
    )
    expect(answers).toEqual(Array.from({ length: 40 }, () => 204))
    const page = await readPage(alice)
    expect(page.rows).toHaveLength(42)
    expectChained(alice.accountId, page)
  })

  test('is chained over pages, and an account has a chain of its own', async () => {
    const [alice, bob] = [await server.signIn(), await server.signIn()]
    for (let count = 0; count < 5; count += 1) await alice.post('/v1/auth/logout', {})
    const first = await readPage(bob)
    expectChained(bob.accountId, first)
    expect(first.head.sequence).toBe(2)
  })

  test('verifies after addresses and user agents were erased, which only old rows lose', async () => {
    const alice = await server.signIn({ label: 'Phone' })
    const before = await readPage(alice)
    const later = new Date(server.clock.now.getTime() + 89 * 24 * 3600_000)
    const { database } = server.database
    await eraseOldOrigins(database, { days: 90, now: later })
    expect(await readPage(alice)).toEqual(before)
    const due = new Date(later.getTime() + 2 * 24 * 3600_000)
    expect(await eraseOldOrigins(database, { days: 90, now: due })).toBeGreaterThanOrEqual(2)
    expect(await eraseOldOrigins(database, { days: 90, now: due })).toBe(0)
    const after = await readPage(alice)
    expect(after.head).toEqual(before.head)
    expectChained(alice.accountId, after)
    for (const [index, row] of after.rows.entries()) {
      expect(row).toEqual({
        ...before.rows[index],
        address: null,
        userAgent: null,
        salts: { ...before.rows[index]?.salts, address: null, userAgent: null },
      })
    }
    expect(after.rows[0]?.deviceLabel).toBe('Phone')
    const [left] = await server.database.asSuperuser(
      'SELECT count(*)::int AS rows FROM app.access_log WHERE user_id = $1 AND address_salt IS NOT NULL',
      [alice.accountId],
    )
    expect(left).toEqual({ rows: 0 })
  })

  test.each([
    ['its hash', "hash = '\\x00000000000000000000000000000000000000000000000000000000000000ff'"],
    ['its sequence', 'sequence = sequence + 1'],
    ['its signature', "signature = substring(signature from 2) || '\\x00'"],
    ['that there ever was one', 'sequence = 0, hash = NULL, signature = NULL'],
  ])('takes no row after a head that was changed in the database: %s', async (_, change) => {
    const alice = await server.signIn()
    await server.database.asSuperuser(`UPDATE app.access_log_heads SET ${change} WHERE user_id = $1`, [
      alice.accountId,
    ])
    const report = { success: true, identityKeys: 1, conversationKeys: 1 }
    expect((await alice.post('/v1/access-log/restored', report)).status).toBe(500)
    const [rows] = await server.database.asSuperuser(
      'SELECT count(*)::int AS rows FROM app.access_log WHERE user_id = $1',
      [alice.accountId],
    )
    expect(rows).toEqual({ rows: 2 })
  })
})

describe('the logins', () => {
  test('erase nothing but addresses and agents, and only rows that are due', async () => {
    const alice = await server.signIn()
    const { database } = server.database
    const attempt = async (statement: string, before = '2999-01-01T00:00:00Z'): Promise<number | string> => {
      try {
        return await database.withAuth(async (transaction) => {
          await transaction.query(`SET LOCAL app.erase_before = '${before}'`)
          const { rowCount } = await transaction.query(statement, [alice.accountId])
          return rowCount ?? 0
        })
      } catch (fault) {
        return (fault as { code: string }).code
      }
    }
    const denied = '42501'
    expect(await attempt("UPDATE app.access_log SET type = 'x' WHERE user_id = $1")).toBe(denied)
    expect(await attempt("UPDATE app.access_log SET hash = '' WHERE user_id = $1")).toBe(denied)
    expect(await attempt('UPDATE app.access_log SET address_commitment = NULL WHERE user_id = $1')).toBe(
      denied,
    )
    expect(
      await attempt(
        "UPDATE app.access_log SET address = '192.0.2.1', address_salt = address_salt WHERE user_id = $1",
      ),
    ).toBe(denied)
    expect(await attempt('SELECT address FROM app.access_log WHERE user_id = $1')).toBe(denied)
    expect(await attempt('DELETE FROM app.access_log WHERE user_id = $1')).toBe(denied)
    const erase =
      'UPDATE app.access_log SET address = NULL, address_salt = NULL, user_agent = NULL, user_agent_salt = NULL WHERE user_id = $1'
    expect(await attempt(erase, '2001-01-01T00:00:00Z')).toBe(0)
    expect((await readPage(alice)).rows[0]?.address).toBe('127.0.0.1')
    expect(await attempt(erase)).toBe(2)
  })

  test('cannot forge a head: one that was put there is not gone on with', async () => {
    const alice = await server.signIn()
    await server.database.database.withUser(alice.accountId, (transaction) =>
      transaction.query('UPDATE app.access_log_heads SET sequence = 1, hash = $1, signature = $2', [
        randomBytes(32),
        randomBytes(64),
      ]),
    )
    const report = { success: true, identityKeys: 1, conversationKeys: 1 }
    expect((await alice.post('/v1/access-log/restored', report)).status).toBe(500)
  })
})

function fieldsOf(
  row: Omit<Vectors['rows'][number], 'signature' | 'hash'>,
): Parameters<typeof deriveRowHash>[0]['fields'] {
  const bytes = (hex: string | null): Uint8Array | null => (hex === null ? null : parseHex(hex, 'hex'))
  const { deviceLabel, address, userAgent } = row.commitments
  return {
    deviceId: bytes(row.deviceId),
    type: row.type,
    success: row.success,
    code: row.code,
    message: row.message,
    time: new Date(row.createdAt),
    commitments: {
      device_label: bytes(deviceLabel),
      address: bytes(address),
      user_agent: bytes(userAgent),
    },
  }
}

/** Every row hashes to what the next one, and last the signed head, names. */
function expectChained(accountId: string, page: AccessLogPage): void {
  const rows = [...page.rows].reverse()
  let before: { sequence: number; hash: Uint8Array | null } = { sequence: 0, hash: null }
  for (const row of rows) {
    const hash = deriveRowHash({ accountId, before, fields: fieldsOf(row) })
    expect([row.sequence, row.hash]).toEqual([before.sequence + 1, toHex(hash)])
    before = { sequence: row.sequence, hash }
  }
  const { sequence, hash, signature, key } = page.head
  expect([sequence, hash]).toEqual([before.sequence, rows.at(-1)?.hash])
  expect(key).toBe(toHex(deriveAuthKeys(server.keys).accessLog.publicKeyBytes))
  expect(signature).toHaveLength(128)
  const head = {
    sequence,
    hash: parseHex(hash ?? '', 'hash', 32),
    signature: parseHex(signature ?? '', 'signature', 64),
  }
  expect(isSignedHead(accountId, head, deriveAuthKeys(server.keys).accessLog)).toBe(true)
  expect(
    verifyEd25519({
      publicKey: parseHex(key, 'key', 32),
      message: new Uint8Array(1),
      signature: head.signature,
    }),
  ).toBe(false)
}
