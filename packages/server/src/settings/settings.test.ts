import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseSettings } from './settings.ts'

const APP = 'postgres://keyhaven_app:s%40cret@db.example:5433/keys?sslmode=require'
const spki = (type: 'ed25519' | 'x25519'): string =>
  generateKeyPairSync(type as 'ed25519')
    .publicKey.export({ type: 'spki', format: 'der' })
    .toString('base64')
const rsa = (modulusLength: number): string =>
  generateKeyPairSync('rsa', { modulusLength })
    .publicKey.export({ type: 'spki', format: 'der' })
    .toString('hex')
const tenants = (algorithm: string, encoding: string, data: string, tenant = 'acme', version = '1'): string =>
  JSON.stringify({ [tenant]: { [version]: { algorithm, encoding, data } } })

describe('settings', () => {
  test('have defaults for one’s own machine', () => {
    const settings = parseSettings({ env: { PATH: '/bin', KEYHAVEN_HOME: '/x' } })
    expect(settings).toMatchObject({
      host: '127.0.0.1',
      port: 8787,
      dataDirectory: resolve('keyhaven-data'),
      publicOrigin: undefined,
      database: undefined,
      realmId: undefined,
      keyFiles: { phoneKey: undefined, tokenKey: undefined },
      sealKeys: { kind: 'files', path: undefined },
      epochs: { epochMs: 7 * 86_400_000, backupMs: 30 * 86_400_000 },
    })
    expect(settings.tenants.size).toBe(0)
  })

  test('are all read', () => {
    const secret = randomBytes(32)
    const settings = parseSettings({
      options: { host: '::1', port: '0', data: './some where' },
      env: {
        DATABASE_URL: APP,
        KEYHAVEN_OWNER_DATABASE_URL: 'postgresql://owner@db.example/keys',
        KEYHAVEN_REALM_DATABASE_URL: 'postgres://keyhaven_realm:other@db2.example/realm',
        KEYHAVEN_REALM_ID: '000102030405060708090a0b0c0d0e0f',
        KEYHAVEN_REALM_SEAL_KEY_FILE: 'seal.key',
        KEYHAVEN_REALM_EPOCH_DAYS: 'off',
        KEYHAVEN_BACKUP_DAYS: '90',
        KEYHAVEN_PHONE_KEY_FILE: '/keys/phone',
        KEYHAVEN_TOKEN_KEY_FILE: '/keys/token',
        KEYHAVEN_CHAIN_KEY_FILE: '/keys/chain',
        KEYHAVEN_ADDRESS_DAYS: '30',
        KEYHAVEN_WEBHOOK_URL: 'https://hooks.example/keyhaven',
        KEYHAVEN_WEBHOOK_SECRET_FILE: '/keys/webhook',
        KEYHAVEN_CODE_SENDER: 'webhook',
        KEYHAVEN_TENANTS: tenants('HS256', 'hex', secret.toString('hex')),
        KEYHAVEN_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
        KEYHAVEN_PUBLIC_ORIGIN: 'https://keys.example',
      },
    })
    expect(settings).toMatchObject({
      host: '::1',
      port: 0,
      dataDirectory: resolve('some where'),
      publicOrigin: 'https://keys.example',
      database: {
        urls: {
          keyhaven_app: APP,
          keyhaven_auth: 'postgres://keyhaven_auth:s%40cret@db.example:5433/keys?sslmode=require',
          keyhaven_realm: 'postgres://keyhaven_realm:other@db2.example/realm',
        },
        passwords: { keyhaven_app: 's@cret', keyhaven_auth: 's@cret', keyhaven_realm: 'other' },
        owner: 'postgresql://owner@db.example/keys',
      },
      realmId: new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
      keyFiles: {
        phoneKey: '/keys/phone',
        tokenKey: '/keys/token',
        chainKey: '/keys/chain',
      },
      sealKeys: { kind: 'files', path: resolve('seal.key') },
      epochs: { epochMs: undefined, backupMs: 90 * 86_400_000 },
      addressDays: 30,
      codeSender: 'webhook',
      webhook: { url: 'https://hooks.example/keyhaven', secretFile: '/keys/webhook' },
    })
    expect(settings.trustedProxies.check('10.1.2.3')).toBe(true)
    expect(settings.tenants.get('acme:1')).toEqual({ algorithm: 'HS256', data: new Uint8Array(secret) })
  })

  test.each([
    ['KEYHAVEN_CODE_SENDER', 'webhook', 'KEYHAVEN_WEBHOOK_URL'],
    ['KEYHAVEN_WEBHOOK_SECRET_FILE', '/keys/webhook', 'KEYHAVEN_WEBHOOK_URL'],
    ['KEYHAVEN_WEBHOOK_URL', 'https://hooks.example/', 'KEYHAVEN_WEBHOOK_SECRET_FILE'],
  ])('that need another one name it: %s needs it beside %s', (name, value, setting) => {
    expect(() => parseSettings({ env: { [name]: value } })).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ setting }) as object }) as Error,
    )
  })

  test('give metrics an address of their own, and others than this machine a token', () => {
    const parse = (env: Readonly<Record<string, string>>): unknown => parseSettings({ env }).metrics
    expect(parse({})).toBeUndefined()
    expect(parse({ KEYHAVEN_METRICS: '[::1]:9464' })).toEqual({
      host: '::1',
      port: 9464,
      tokenFile: undefined,
    })
    const open = { KEYHAVEN_METRICS: '0.0.0.0:9464' }
    expect(() => parse(open)).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({ setting: 'KEYHAVEN_METRICS_TOKEN_FILE' }) as object,
      }) as Error,
    )
    expect(parse({ ...open, KEYHAVEN_METRICS_TOKEN_FILE: '/keys/metrics' })).toMatchObject({
      tokenFile: '/keys/metrics',
    })
  })

  test('take sockets as database hosts', () => {
    for (const url of [
      'postgres://keyhaven_app:p@%2Frun%2Fpg/keys',
      'postgres://keyhaven_app:p@/keys?host=/run/pg',
    ]) {
      const { database } = parseSettings({ env: { DATABASE_URL: url } })
      expect(database?.urls.keyhaven_auth).toBe(url.replace('_app', '_auth'))
    }
  })

  test('take public keys of apps as DER', () => {
    const { tenants: found } = parseSettings({
      env: {
        KEYHAVEN_TENANTS: JSON.stringify({
          acme: { 1: { algorithm: 'EdDSA', encoding: 'base64', data: spki('ed25519') } },
          'test-acme': { 7: { algorithm: 'RS256', encoding: 'hex', data: rsa(2048) } },
        }),
      },
    })
    expect([...found.keys()]).toEqual(['acme:1', 'test-acme:7'])
  })

  test.each([
    ['KEYHAVEN_REALM_IDS', '00'],
    ['KEYHAVEN_', 'x'],
    ['KEYHAVEN_REALM_ID', ''],
    ['KEYHAVEN_REALM_ID', '0001'],
    ['KEYHAVEN_REALM_ID', '000102030405060708090A0B0C0D0E0F'],
    ['KEYHAVEN_PHONE_KEY_FILE', ' '],
    ['KEYHAVEN_CODE_SENDER', 'sms'],
    ['KEYHAVEN_METRICS', '9464'],
    ['KEYHAVEN_METRICS', '127.0.0.1:99999'],
    ['KEYHAVEN_METRICS', 'http://127.0.0.1:9464'],
    ['KEYHAVEN_WEBHOOK_URL', 'http://hooks.example/'],
    ['KEYHAVEN_WEBHOOK_URL', 'https://user:pass@hooks.example/'],
    ['KEYHAVEN_WEBHOOK_URL', 'hooks.example'],
    ['KEYHAVEN_ADDRESS_DAYS', '0'],
    ['KEYHAVEN_ADDRESS_DAYS', '9999'],
    ['KEYHAVEN_ADDRESS_DAYS', '1.5'],
    ['KEYHAVEN_TENANTS', 'x'],
    ['KEYHAVEN_TENANTS', '[]'],
    ['KEYHAVEN_TENANTS', '{"acme":{"1":{"algorithm":"HS256","encoding":"hex"}}}'],
    ['KEYHAVEN_TENANTS', tenants('HS512', 'hex', '00'.repeat(32))],
    ['KEYHAVEN_TENANTS', tenants('none', 'hex', '00'.repeat(32))],
    ['KEYHAVEN_TENANTS', tenants('HS256', 'utf8', '00'.repeat(32))],
    ['KEYHAVEN_TENANTS', tenants('HS256', 'hex', '00'.repeat(31))],
    ['KEYHAVEN_TENANTS', tenants('HS256', 'hex', 'zz'.repeat(32))],
    ['KEYHAVEN_TENANTS', tenants('HS256', 'base64', '*')],
    ['KEYHAVEN_TENANTS', tenants('HS256', 'hex', '00'.repeat(32), 'ac me')],
    ['KEYHAVEN_TENANTS', tenants('HS256', 'hex', '00'.repeat(32), 'acme', '01')],
    ['KEYHAVEN_TENANTS', tenants('HS256', 'hex', '00'.repeat(32), 'acme', '-1')],
    ['KEYHAVEN_TENANTS', tenants('HS256', 'hex', '00'.repeat(32), 'keyhaven')],
    ['KEYHAVEN_TENANTS', tenants('EdDSA', 'hex', '00'.repeat(32))],
    ['KEYHAVEN_TENANTS', tenants('EdDSA', 'base64', spki('x25519'))],
    ['KEYHAVEN_TENANTS', tenants('RS256', 'base64', spki('ed25519'))],
    ['KEYHAVEN_TENANTS', tenants('RS256', 'hex', rsa(1024))],
    ['KEYHAVEN_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['KEYHAVEN_TRUSTED_PROXIES', 'proxy.example'],
    ['KEYHAVEN_TRUSTED_PROXIES', '10.0.0.1,'],
    ['KEYHAVEN_PUBLIC_ORIGIN', 'keys.example'],
    ['KEYHAVEN_PUBLIC_ORIGIN', 'http://keys.example'],
    ['KEYHAVEN_PUBLIC_ORIGIN', 'https://keys.example/path'],
    ['KEYHAVEN_PUBLIC_ORIGIN', 'https://user@keys.example'],
    ['KEYHAVEN_PUBLIC_ORIGIN', 'https://keys.example?x'],
    ['KEYHAVEN_PUBLIC_ORIGIN', 'ftp://127.0.0.1'],
    ['DATABASE_URL', ''],
    ['DATABASE_URL', 'mysql://keyhaven_app:p@host/db'],
    ['DATABASE_URL', 'postgres://postgres:p@host/db'],
    ['DATABASE_URL', 'postgres://keyhaven_owner:p@host/db'],
    ['DATABASE_URL', 'postgres://keyhaven_app@host/db'],
    ['DATABASE_URL', 'postgres://keyhaven_app:p@host/db?user=postgres'],
    ['DATABASE_URL', 'postgres://keyhaven_app:%zz@host/db'],
    ['KEYHAVEN_OWNER_DATABASE_URL', 'postgres://owner:p@host/db'],
    ['KEYHAVEN_AUTH_DATABASE_URL', 'postgres://keyhaven_auth:p@host/db'],
  ])('that are wrong stop the start by name and without their value: %s=%s', (name, value) => {
    const parse = (): unknown => parseSettings({ env: { [name]: value } })
    expect(parse).toThrow(expect.objectContaining({ code: 'ERR_SETTING_INVALID' }) as Error)
    try {
      parse()
    } catch (error) {
      expect(error).toMatchObject({ details: { setting: name } })
    }
  })

  test.each([
    ['--port', { port: '-1' }],
    ['--port', { port: '65536' }],
    ['--port', { port: '80x' }],
    ['--port', { port: '' }],
    ['--port', { port: 1.5 }],
    ['--host', { host: '' }],
    ['--host', { host: 'http://x' }],
    ['--data', { data: '' }],
    ['KEYHAVEN_PUBLIC_ORIGIN', { host: '0.0.0.0' }],
  ])('option %s is refused: %j', (setting, options) => {
    expect(() => parseSettings({ options })).toThrow(
      expect.objectContaining({
        code: 'ERR_SETTING_INVALID',
        details: expect.objectContaining({ setting }) as object,
      }) as Error,
    )
  })

  test('of a realm alone ask for tenants whose tokens nobody else can make', () => {
    const parse = (env: Readonly<Record<string, string>>): unknown =>
      parseSettings({ options: { realmOnly: true }, env })
    const secret = randomBytes(32).toString('hex')
    const own = JSON.parse(tenants('HS256', 'hex', secret)) as { acme: Record<string, object> }
    const onlyHere = JSON.stringify({ acme: { 1: { ...own.acme['1'], onlyHere: true } } })
    const good = tenants('EdDSA', 'base64', spki('ed25519'), 'keyhaven')
    expect(parse({ KEYHAVEN_TENANTS: onlyHere })).toMatchObject({ realmOnly: true })
    expect(parse({ KEYHAVEN_TENANTS: good })).toMatchObject({ realmOnly: true })
    expect(parseSettings({ env: { KEYHAVEN_TENANTS: onlyHere } })).toMatchObject({ realmOnly: false })
    for (const [setting, env] of [
      ['KEYHAVEN_TENANTS', {}],
      ['KEYHAVEN_TENANTS', { KEYHAVEN_TENANTS: JSON.stringify(own) }],
      ['KEYHAVEN_CODE_SENDER', { KEYHAVEN_TENANTS: good, KEYHAVEN_CODE_SENDER: 'console' }],
      ['KEYHAVEN_ADDRESS_DAYS', { KEYHAVEN_TENANTS: good, KEYHAVEN_ADDRESS_DAYS: '9' }],
    ] as const) {
      expect(() => parse(env)).toThrow(
        expect.objectContaining({
          code: 'ERR_SETTING_INVALID',
          details: expect.objectContaining({ setting }) as object,
        }) as Error,
      )
    }
  })

  test('never repeat a password in an error', () => {
    const env = { DATABASE_URL: 'postgres://postgres:planted-marker@host/db' }
    let fault: unknown
    try {
      parseSettings({ env })
    } catch (error) {
      fault = error
    }
    expect(fault).toBeInstanceOf(Error)
    expect(`${String(fault)} ${JSON.stringify(fault)}`).not.toContain('planted-marker')
  })

  test.each(['http://127.0.0.1:8787', 'http://localhost:1', 'http://[::1]:9', 'https://keys.example:8443/'])(
    'take %s as public origin',
    (origin) => {
      const settings = parseSettings({ env: { KEYHAVEN_PUBLIC_ORIGIN: origin } })
      expect(settings.publicOrigin).toBe(new URL(origin).origin)
    },
  )
})
