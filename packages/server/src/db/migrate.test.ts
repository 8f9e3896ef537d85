import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { createEmptyDatabase, createTestDatabase } from '../testing/database.ts'
import { openDatabase } from './database.ts'
import { migrate, readMigrations } from './migrate.ts'

async function run(connectionString: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

describe('migrations', () => {
  test('that start together are applied once', async () => {
    const { ownerUrl, passwords, urls } = await createEmptyDatabase()
    await Promise.all(
      Array.from({ length: 6 }, () => migrate({ ownerUrl, passwords, resetPasswords: false })),
    )
    const rows = await run(ownerUrl, 'SELECT number, name FROM migration.versions ORDER BY number')
    expect(rows).toEqual(readMigrations().map(({ number, name }) => ({ number, name })))
    const database = openDatabase(urls)
    await database.check()
    await database.close()
  })

  test('run under an owner that is no superuser', async () => {
    const { ownerUrl } = await createTestDatabase()
    expect(
      await run(ownerUrl, 'SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user'),
    ).toEqual([{ rolsuper: false, rolbypassrls: false }])
  })

  test('are missing: the server does not start on such a database', async () => {
    const { urls } = await createEmptyDatabase()
    const database = openDatabase(urls)
    await expect(database.check()).rejects.toMatchObject({
      code: 'ERR_START_REFUSED',
      details: { problem: expect.stringContaining('KEYHAVEN_OWNER_DATABASE_URL') as string },
    })
    await database.close()
  })

  test.each([
    [
      'of a newer version',
      "INSERT INTO migration.versions VALUES (9999, '9999_later.sql', 'x')",
      'newer version',
    ],
    ['edited afterwards', "UPDATE migration.versions SET checksum = 'x' WHERE number = 1", 'was changed'],
    ['left out', 'DELETE FROM migration.versions WHERE number = 1', 'is missing before'],
  ])('%s stop the start, for owner and logins alike', async (_what, statement, words) => {
    const { ownerUrl, database, passwords } = await createTestDatabase()
    await run(ownerUrl, statement)
    const refusal = {
      code: 'ERR_START_REFUSED',
      details: { problem: expect.stringContaining(words) as string },
    }
    await expect(migrate({ ownerUrl, passwords, resetPasswords: false })).rejects.toMatchObject(refusal)
    await expect(database.check()).rejects.toMatchObject(refusal)
  })

  test('leave existing logins with the passwords that their operator gave them', async () => {
    const { ownerUrl, database, passwords } = await createTestDatabase()
    const others = { ...passwords, keyhaven_app: 'another one' }
    await migrate({ ownerUrl, passwords: others, resetPasswords: false })
    expect(await database.ready()).toBe(true)
  })

  test('say by code what an owner is not allowed', async () => {
    const { asSuperuser, superuserUrl, passwords, name } = await createEmptyDatabase()
    const weak = `weak_${name}`
    await asSuperuser(`CREATE ROLE ${weak} LOGIN PASSWORD 'p'; REVOKE CREATE ON DATABASE ${name} FROM PUBLIC`)
    const ownerUrl = superuserUrl.replace('keyhaven_superuser', `${weak}:p`)
    await expect(migrate({ ownerUrl, passwords, resetPasswords: false })).rejects.toMatchObject({
      code: 'ERR_START_REFUSED',
      details: { problem: expect.stringContaining('42501') as string },
    })
  })

  test('refuse an owner that cannot log in, in words and without its URL', async () => {
    const { ownerUrl, passwords } = await createEmptyDatabase()
    const wrong = ownerUrl.replace('keyhaven_owner', 'nobody:planted-marker')
    const fault: unknown = await migrate({ ownerUrl: wrong, passwords, resetPasswords: false }).catch(
      (error: unknown) => error,
    )
    expect(fault).toMatchObject({ code: 'ERR_START_REFUSED' })
    expect(JSON.stringify(fault)).not.toContain('planted-marker')
  })
})
