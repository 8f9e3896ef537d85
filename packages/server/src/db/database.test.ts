import { expect, test } from 'vitest'
import { createTestDatabase } from '../testing/database.ts'

test('however many ask whether the database is ready, one question at a time goes to it', async () => {
  const { database, close } = await createTestDatabase()
  const first = database.ready()
  expect(database.ready()).toBe(first)
  expect(await first).toBe(true)
  await close()
  expect(await database.ready()).toBe(false)
})
