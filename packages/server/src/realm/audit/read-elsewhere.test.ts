/** The reader of a feed against a realm that is not ours, and may say anything. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { deriveRealmTokenKey } from '../../auth/keys.ts'
import type { AuditPage } from './audit.ts'
import { readAuditElsewhere } from './read-elsewhere.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyhaven-audit-'))
const tokenKeyFile = join(folder, 'token.key')
const tokenKey = randomBytes(32)
const keyFiles = { phoneKey: undefined, tokenKey: tokenKeyFile, chainKey: undefined }
const settings = { dataDirectory: folder, keyFiles }
const realmId = toHex(randomBytes(16))
const page = {
  events: [{ id: '0'.repeat(32), type: 'deleted', record: '0'.repeat(64), at: '2026-11-28T10:00:00.000Z' }],
  cursor: '0'.repeat(48),
  more: false,
}
let realm: Server
let say: RequestListener
const shown: string[] = []

beforeAll(async () => {
  writeFileSync(tokenKeyFile, tokenKey, { mode: 0o600 })
  realm = createServer((request, answer) => {
    shown.push(request.headers.authorization ?? '')
    say(request, answer)
  })
  await new Promise<void>((resolve) => realm.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  realm.closeAllConnections()
  realm.close()
  rmSync(folder, { recursive: true })
})

function address(): string {
  return `http://127.0.0.1:${String((realm.address() as AddressInfo).port)}/realm/`
}

function read(change: Partial<Parameters<typeof readAuditElsewhere>[0]> = {}): Promise<AuditPage> {
  return readAuditElsewhere({ settings, address: address(), realmId, limit: 10, ...change })
}

function saying(status: number, body: unknown, headers: Record<string, string> = {}): RequestListener {
  return (_, answer) => answer.writeHead(status, headers).end(JSON.stringify(body))
}

describe('a feed elsewhere', () => {
  test('is asked for with a token of the server’s own key, for that realm, that feed and minutes', async () => {
    say = (request, answer) => {
      expect(request.url).toBe(`/realm/audit?limit=10&after=${page.cursor}`)
      saying(200, page)(request, answer)
    }
    expect(await read({ after: page.cursor })).toEqual(page)
    const token = (shown.at(-1) ?? '').replace('Bearer ', '')
    const { publicKey } = deriveRealmTokenKey(tokenKey)
    const { payload } = await jwtVerify(token, publicKey, { audience: realmId, issuer: 'keyhaven' })
    expect(payload).toMatchObject({ scope: 'audit' })
    expect((payload.exp ?? 0) - (payload.nbf ?? 0)).toBeLessThanOrEqual(600)
    expect(Object.keys(decodeJwt(token)).toSorted()).toEqual(['aud', 'exp', 'iss', 'nbf', 'scope'])
  })

  test.each<[string, RequestListener, object]>([
    [
      'redirects',
      (_, answer) => answer.writeHead(307, { Location: `${address()}other` }).end(),
      { code: 'ERR_SERVER_UNAVAILABLE', details: { fault: 'network' } },
    ],
    [
      'never ends',
      (_, answer) => {
        const more = (): void => {
          while (answer.write('x'.repeat(65_536)));
        }
        answer.on('error', () => undefined).on('drain', more)
        more()
      },
      { code: 'ERR_SERVER_UNAVAILABLE', details: { fault: 'body' } },
    ],
    [
      'hangs up in the middle',
      (_, answer) => {
        answer.writeHead(200, { 'Content-Length': '1000' }).write('{')
        answer.destroy()
      },
      { code: 'ERR_SERVER_UNAVAILABLE', details: { fault: 'network' } },
    ],
    [
      'has no JSON',
      (_, answer) => answer.end('<html>'),
      { code: 'ERR_SERVER_UNAVAILABLE', details: { fault: 'body' } },
    ],
    [
      'has an event of another kind',
      saying(200, { ...page, events: [{ ...page.events[0], type: '\u001b[2J' }] }),
      { code: 'ERR_SERVER_UNAVAILABLE', details: { fault: 'body' } },
    ],
    [
      'fails',
      saying(503, { error: { code: 'ERR_OVERLOADED' } }),
      { code: 'ERR_SERVER_UNAVAILABLE', details: { fault: 'status' } },
    ],
    [
      'knows another key',
      saying(401, { error: { code: 'ERR_TOKEN_REJECTED' } }),
      { code: 'ERR_SERVER_REFUSED', details: { rule: 'ERR_TOKEN_REJECTED', status: 401 } },
    ],
    [
      'refuses in words of its own',
      saying(400, { error: { code: '\u001b[2J' } }),
      { code: 'ERR_SERVER_REFUSED', details: { rule: 'unknown', status: 400 } },
    ],
    [
      'wants to be asked in a year',
      saying(429, {}, { 'Retry-After': '31536000' }),
      { code: 'ERR_RATE_LIMITED', details: { retryAfterSeconds: 60 } },
    ],
  ])('that %s is a coded fault', async (_, listener, fault) => {
    say = listener
    await expect(read()).rejects.toMatchObject(fault)
  })

  test('is not asked for in clear, without the key, or with one that others can read', async () => {
    const before = shown.length
    const invalid = { code: 'ERR_SETTING_INVALID' }
    await expect(read({ address: 'http://realm.example/realm/' })).rejects.toMatchObject(invalid)
    const none = { ...settings, keyFiles: { ...keyFiles, tokenKey: undefined } }
    await expect(read({ settings: none })).rejects.toMatchObject(invalid)
    expect(shown.length).toBe(before)
  })

  test('is given up when its reader is', async () => {
    const stop = new AbortController()
    say = () => {
      stop.abort()
    }
    await expect(read({ signal: stop.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })
})
