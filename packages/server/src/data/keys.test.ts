import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Installation } from '../db/installation.ts'
import { openInstallation } from '../db/installation.ts'
import { createTestDatabase } from '../testing/database.ts'
import type { ServerKeys } from './keys.ts'
import { keyFolderOf, loadServerKeys } from './keys.ts'
import { loadRealmId } from './realm-id.ts'

const NONE = { phoneKey: undefined, tokenKey: undefined, chainKey: undefined }
let folder: string
let dataDirectory: string
let installation: Installation

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyhaven-keys-'))
  dataDirectory = join(folder, 'data')
  installation = openInstallation((await createTestDatabase()).database)
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const load = (keyFiles = NONE as Parameters<typeof loadServerKeys>[0]['keyFiles']): Promise<ServerKeys> =>
  loadServerKeys({ dataDirectory, keyFiles, installation })

describe('the server’s keys', () => {
  test('are made once, beside the data directory, for this user alone', async () => {
    const keys = await load()
    expect(await load()).toEqual(keys)
    expect(new Set(Object.values(keys).map((key: Uint8Array) => Buffer.from(key).toString('hex'))).size).toBe(
      3,
    )
    expect(statSync(keyFolderOf(dataDirectory)).mode & 0o777).toBe(0o700)
    expect(readdirSync(keyFolderOf(dataDirectory)).sort()).toEqual(['chain.key', 'phone.key', 'token.key'])
    for (const name of readdirSync(keyFolderOf(dataDirectory))) {
      const { mode, size } = statSync(join(keyFolderOf(dataDirectory), name))
      expect([mode & 0o777, size]).toEqual([0o600, 32])
    }
    expect(existsSync(dataDirectory)).toBe(false)
  })

  test('are the same for servers that start together', async () => {
    const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => load()))
    for (const other of others) expect(other).toEqual(first)
  })

  test.each(['phone.key', 'token.key', 'chain.key'])(
    'are never made anew for a database that knows them: %s',
    async (name) => {
      await load()
      rmSync(join(keyFolderOf(dataDirectory), name))
      await expect(load()).rejects.toMatchObject({ code: 'ERR_SETTING_INVALID' })
      expect(existsSync(join(keyFolderOf(dataDirectory), name))).toBe(false)
    },
  )

  test('are refused when they are not the database’s', async () => {
    await load()
    writeFileSync(join(keyFolderOf(dataDirectory), 'phone.key'), new Uint8Array(32))
    await expect(load()).rejects.toMatchObject({
      code: 'ERR_START_REFUSED',
      details: { problem: expect.stringContaining('phoneKey') as string },
    })
  })

  test('come from the operator’s files where these are named', async () => {
    const phoneKey = join(folder, 'given')
    writeFileSync(phoneKey, new Uint8Array(32).fill(9))
    expect((await load({ ...NONE, phoneKey })).phoneKey).toEqual(new Uint8Array(32).fill(9))
    expect(existsSync(join(keyFolderOf(dataDirectory), 'phone.key'))).toBe(false)
  })

  test.each([0, 31, 33, 64])('are refused with %i bytes', async (length) => {
    const tokenKey = join(folder, 'given')
    writeFileSync(tokenKey, new Uint8Array(length))
    await expect(load({ ...NONE, tokenKey })).rejects.toMatchObject({
      code: 'ERR_SETTING_INVALID',
      details: { setting: 'KEYHAVEN_TOKEN_KEY_FILE' },
    })
  })

  test.each([0o604, 0o620, 0o602])(
    'are refused where their own file is open to others: mode %o',
    async (mode) => {
      await load()
      chmodSync(join(keyFolderOf(dataDirectory), 'token.key'), mode)
      await expect(load()).rejects.toMatchObject({
        code: 'ERR_SETTING_INVALID',
        details: { setting: 'KEYHAVEN_TOKEN_KEY_FILE' },
      })
    },
  )

  test.each([0o720, 0o702, 0o777])(
    'are refused where others can put files into their folder: mode %o',
    async (mode) => {
      await load()
      chmodSync(keyFolderOf(dataDirectory), mode)
      await expect(load()).rejects.toMatchObject({
        code: 'ERR_SETTING_INVALID',
        details: { setting: 'KEYHAVEN_PHONE_KEY_FILE' },
      })
    },
  )

  test('are refused in bounds where a file has no end', async () => {
    await expect(load({ ...NONE, tokenKey: '/dev/zero' })).rejects.toMatchObject({
      code: 'ERR_SETTING_INVALID',
      details: { setting: 'KEYHAVEN_TOKEN_KEY_FILE' },
    })
  })

  test('are refused where everybody can write the operator’s file', async () => {
    const tokenKey = join(folder, 'given')
    writeFileSync(tokenKey, new Uint8Array(32))
    chmodSync(tokenKey, 0o646)
    await expect(load({ ...NONE, tokenKey })).rejects.toMatchObject({
      details: { setting: 'KEYHAVEN_TOKEN_KEY_FILE' },
    })
  })

  test('are never made where the operator named a file that is not there', async () => {
    const chainKey = join(folder, 'missing')
    await expect(load({ ...NONE, chainKey })).rejects.toMatchObject({
      details: { setting: 'KEYHAVEN_CHAIN_KEY_FILE' },
    })
    expect(existsSync(chainKey)).toBe(false)
  })

  test('are in the database as short fingerprints only', async () => {
    const keys = await load()
    for (const name of Object.keys(keys)) {
      const kept = await installation.read(name)
      expect(kept).toHaveLength(16)
      const key = Buffer.from(keys[name as keyof ServerKeys])
      expect(key.includes(Buffer.from(kept ?? []))).toBe(false)
    }
  })
})

describe('the realm’s id', () => {
  test('is made once for a database', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => loadRealmId(installation, undefined)))
    expect(ids[0]).toHaveLength(16)
    for (const id of ids) expect(id).toEqual(ids[0])
  })

  test('is the operator’s, and cannot be changed afterwards', async () => {
    const id = new Uint8Array(16).fill(5)
    expect(await loadRealmId(installation, id)).toEqual(id)
    expect(await loadRealmId(installation, undefined)).toEqual(id)
    await expect(loadRealmId(installation, new Uint8Array(16))).rejects.toMatchObject({
      details: { setting: 'KEYHAVEN_REALM_ID' },
    })
  })
})
