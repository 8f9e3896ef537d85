import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { concat, lp, randomBytes, signEd25519, toHex } from 'keyhaven/crypto'
import { randomPhone, startTestApp } from '../testing/app.ts'
import type { TestAnswer, TestApp } from '../testing/app.ts'
import { createBackup } from '../testing/backups.ts'
import { randomId } from '../testing/segments.ts'
import { encodePhoneChangeMessage } from './change-phone.ts'
import { deriveAuthKeys } from './keys.ts'
import { hashPhone } from './phone.ts'

const DAY_MS = 86_400_000
let server: TestApp
beforeAll(async () => {
  const many = { most: 1000, seconds: 600 }
  server = await startTestApp({
    limits: { codesPerAddressPhoneAndDay: many, codesPerPhone: many, codesPerPhoneAndDay: many },
  })
})

function randomLevel(): string {
  return toHex(randomBytes(32))
}

interface Account {
  readonly phone: string
  readonly level?: string | undefined
}

function ask({ phone, level }: Account): ReturnType<TestApp['askCode']> {
  return server.askCode(phone, level)
}

async function verify(
  account: Account,
  shown: { readonly requestId: string; readonly code: string },
): Promise<TestAnswer> {
  const device = { id: randomId(), label: 'Laptop' }
  return server.post('/v1/auth/verify', { ...account, ...shown, device })
}

async function signIn(account: Account): Promise<TestAnswer> {
  return verify(account, await ask(account))
}

async function idOf(account: Account): Promise<unknown> {
  const answer = await signIn(account)
  expect([answer.status, answer.code]).toEqual([200, undefined])
  return answer.body['accountId']
}

describe('a level', () => {
  test('is an account of its own, found again by number and level and by nothing less', async () => {
    const [phone, other] = [randomPhone(), randomPhone()]
    const [level, second] = [randomLevel(), randomLevel()]
    const accounts = [{ phone }, { phone, level }, { phone, level: second }, { phone: other, level }]
    const ids = []
    for (const account of accounts) ids.push(await idOf(account))
    expect(new Set(ids).size).toBe(4)
    for (const [index, account] of accounts.entries()) expect(await idOf(account)).toBe(ids[index])
  })

  test('is entered by a code that was asked for with it: no other level’s, and none of the number alone', async () => {
    const phone = randomPhone()
    const accounts = [{ phone }, { phone, level: randomLevel() }, { phone, level: randomLevel() }]
    for (const asked of accounts) {
      for (const shown of accounts.filter((account) => account !== asked)) {
        expect((await verify(shown, await ask(asked))).code).toBe('ERR_CODE_REJECTED')
      }
    }
  })

  test('is told by no answer’s shape or length to have been there before', async () => {
    const phone = randomPhone()
    const known = { phone, level: randomLevel() }
    await signIn(known)
    const shapes = []
    for (const account of [known, { phone, level: randomLevel() }, { phone }]) {
      const asked = await ask(account)
      const wrong = await verify(account, { ...asked, code: asked.code === '000000' ? '111111' : '000000' })
      const right = await verify(account, asked)
      shapes.push([wrong, right].map(({ status, body, bytes }) => [status, Object.keys(body), bytes.length]))
    }
    expect(shapes[1]).toEqual(shapes[0])
    expect(shapes[2]).toEqual(shapes[0])
  })

  test('is 64 hex digits; another text is refused before anything is done', async () => {
    const phone = randomPhone()
    for (const level of ['', 'garden', 'A'.repeat(64), 'a'.repeat(63), 'a'.repeat(66), 7, null, ['a'], {}]) {
      expect((await server.post('/v1/auth/code', { phone, level })).code).toBe('ERR_BODY_MALFORMED')
    }
    expect(server.codes.has(phone)).toBe(false)
  })

  test('shares the limits of its number', async () => {
    const strict = await startTestApp({
      shared: server.database,
      keys: server.keys,
      limits: { codesPerPhone: { most: 3, seconds: 600 } },
    })
    const phone = randomPhone()
    const levels = [undefined, randomLevel(), randomLevel(), randomLevel()]
    const answers = []
    for (const level of levels) answers.push(await strict.post('/v1/auth/code', { phone, level }))
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 429])
  })
})

describe('new levels', () => {
  test('are refused after four accounts of a number, until the month is over; known ones and the first never are', async () => {
    const phone = randomPhone()
    const levels = [randomLevel(), randomLevel(), randomLevel(), randomLevel()]
    const ids = []
    for (const level of levels) ids.push(await idOf({ phone, level }))
    const refused = await signIn({ phone, level: randomLevel() })
    expect([refused.status, refused.code]).toEqual([429, 'ERR_RATE_LIMITED'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    for (const [index, level] of levels.entries()) expect(await idOf({ phone, level })).toBe(ids[index])
    await idOf({ phone })
    const before = server.clock.now
    server.clock.now = new Date(before.getTime() + 30 * DAY_MS)
    await idOf({ phone, level: randomLevel() })
    server.clock.now = before
  })

  test('are counted with all new accounts, in windows of the calendar: no counter tells which account it was, or when', async () => {
    const begin = server.clock.now
    const ends = []
    for (const [index, level] of [undefined, randomLevel()].entries()) {
      const phone = randomPhone()
      server.clock.now = new Date(begin.getTime() + index)
      await idOf({ phone, level })
      ends.push(await readWindow(phone))
    }
    server.clock.now = begin
    expect(ends[0]).toBe(ends[1])
    expect(Number(ends[0]) % (30 * DAY_MS)).toBe(0)
  })
})

/** When the window of a number's new accounts ends, in Unix milliseconds. */
async function readWindow(phone: string): Promise<number> {
  const { phoneHash, rateLimit } = deriveAuthKeys(server.keys)
  const bucket = createHmac('sha256', rateLimit)
    .update(concat(lp('accountsPerPhone'), lp(hashPhone(phone, phoneHash))))
    .digest()
  const [row] = await server.database.asSuperuser(
    'SELECT ends_at, used FROM auth.rate_limits WHERE bucket = $1',
    [bucket],
  )
  expect(row?.['used']).toBe(1)
  return (row?.['ends_at'] as Date | undefined)?.getTime() ?? Number.NaN
}

describe('a level’s number', () => {
  test('changes for it alone, by its own authority, to the same level of the new number', async () => {
    const [phone, next, level] = [randomPhone(), randomPhone(), randomLevel()]
    const device = await server.signIn({ phone, level })
    const first = await idOf({ phone })
    const { authority, etag } = await createBackup(device)
    const { accountId } = device
    const prove = (claimed: string | undefined): string => {
      const message = encodePhoneChangeMessage({ accountId, phone: next, level: claimed, etag })
      return toHex(signEd25519({ seed: authority.seed, message }))
    }
    const send = async (asked: Account, proof: string): Promise<TestAnswer> =>
      device.send('/v1/phone', {
        method: 'POST',
        json: { ...asked, ...(await ask(asked)) },
        headers: { 'Keyhaven-Proof': proof },
      })
    expect((await send({ phone: next, level }, prove(undefined))).code).toBe('ERR_PROOF_REJECTED')
    expect((await send({ phone: next }, prove(level))).code).toBe('ERR_PROOF_REJECTED')
    expect((await send({ phone: next, level }, prove(level))).status).toBe(200)
    expect(await idOf({ phone: next, level })).toBe(accountId)
    expect(await idOf({ phone, level })).not.toBe(accountId)
    expect(await idOf({ phone })).toBe(first)
  })
})
