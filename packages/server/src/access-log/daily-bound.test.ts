import { beforeAll, describe, expect, test } from 'vitest'
import { deriveAuthKeys } from '../auth/keys.ts'
import { startTestApp } from '../testing/app.ts'
import type { TestApp, TestDevice } from '../testing/app.ts'
import { done, refused } from './events.ts'
import type { AccessEvent } from './events.ts'
import { recordEvents } from './record.ts'

const BOUND = 200
const DAY_MS = 24 * 3600 * 1000

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

/** Records events in one transaction as sign-in (or as the signed-in account) would. */
async function record(device: TestDevice, events: readonly AccessEvent[], daysLater = 0): Promise<void> {
  const { accountId } = device
  const time = new Date(Date.parse('2026-01-01T12:00:00Z') + daysLater * DAY_MS)
  const chainKey = deriveAuthKeys(server.keys).accessLog
  const subject = {
    accountId,
    device: null,
    origin: { address: null, userAgent: null },
    time,
    chainKey,
    notify: false,
  }
  await server.database.database.withAuth((transaction) => recordEvents(transaction, subject, ...events), {
    userId: accountId,
  })
}

function repeat(count: number, event: AccessEvent): readonly AccessEvent[] {
  return Array.from({ length: count }, () => event)
}

async function listMessages(device: TestDevice, type: string, success: boolean): Promise<readonly string[]> {
  const rows = await server.database.asSuperuser<{ message: string }>(
    `SELECT message FROM app.access_log WHERE user_id = $1 AND type = $2 AND success = $3
        AND created_at < '2026-02-01' ORDER BY sequence`,
    [device.accountId, type, success],
  )
  return rows.map((row) => row.message)
}

describe('the access log’s daily bound', () => {
  test('a flood of one kind is listed up to the bound, and the last row says that more came', async () => {
    const alice = await server.signIn()
    await record(alice, repeat(BOUND + 50, refused('signed_in', 'ERR_CODE_REJECTED')))
    const messages = await listMessages(alice, 'signed_in', false)
    expect(messages).toHaveLength(BOUND)
    expect(messages.at(-2)).toBe('The sign-in code was not accepted.')
    expect(messages.at(-1)).toBe(
      'The sign-in code was not accepted. More of this kind on this day are not listed.',
    )
  })

  test('a flood hides no other kind, no other outcome, no other day and no other account', async () => {
    const [alice, bob] = [await server.signIn(), await server.signIn()]
    const failure = refused('signed_in', 'ERR_CODE_REJECTED')
    await record(alice, repeat(BOUND + 50, failure))
    await record(alice, [done('signed_in'), done('guess_used')])
    await record(alice, [failure], 1)
    await record(bob, [failure])
    expect(await listMessages(alice, 'signed_in', true)).toHaveLength(1)
    expect(await listMessages(alice, 'guess_used', true)).toHaveLength(1)
    expect(await listMessages(alice, 'signed_in', false)).toHaveLength(BOUND + 1)
    expect(await listMessages(bob, 'signed_in', false)).toHaveLength(1)
  })

  test('parallel transactions do not pass the bound together', async () => {
    const alice = await server.signIn()
    await record(alice, repeat(BOUND - 5, done('keys_accessed')))
    await Promise.all(Array.from({ length: 12 }, () => record(alice, [done('keys_accessed')])))
    expect(await listMessages(alice, 'keys_accessed', true)).toHaveLength(BOUND)
  })
})
