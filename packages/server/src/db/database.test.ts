import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createTestDatabase } from '../testing/database.ts'

describe('the database layer', () => {
  test('each login answers and sees its own identity only', async () => {
    const { database } = await createTestDatabase()
    expect(await database.ready()).toBe(true)
    await database.check()
    const id = randomUUID()
    const row = await database.withUser(
      id,
      async (transaction) =>
        (await transaction.query<{ id: string }>('SELECT app.current_user_id() AS id')).rows[0],
    )
    expect(row).toEqual({ id })
  })
})
