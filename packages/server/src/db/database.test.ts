import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { createServer, connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createTestDatabase } from '../testing/database.ts'
import { openDatabase } from './database.ts'

test('however many ask whether the database is ready, one question at a time goes to it', async () => {
  const { database, close } = await createTestDatabase()
  const first = database.ready()
  expect(database.ready()).toBe(first)
  expect(await first).toBe(true)
  await close()
  expect(await database.ready()).toBe(false)
})

test('PostgreSQL that is stopped as it greets a connection is an outage, and ends no process', async () => {
  const { urls, database } = await createTestDatabase()
  const folder = decodeURIComponent(new URL(urls.keyhaven_app).host)
  const port = await openLeavingProxy(join(folder, '.s.PGSQL.5432'))
  const through = Object.entries(urls).map(([login, url]) => [
    login,
    url.replace(encodeURIComponent(folder), `127.0.0.1:${String(port)}`),
  ])
  const leaving = openDatabase(Object.fromEntries(through) as typeof urls)
  onTestFinished(() => leaving.close())
  await expect(leaving.withUser(randomUUID(), () => Promise.resolve())).rejects.toMatchObject({
    code: 'ERR_DATABASE_UNAVAILABLE',
  })
  await database.withUser(randomUUID(), (transaction) => transaction.query('SELECT 1'))
})

/** Passes on what PostgreSQL says, and in the packet that ends with ReadyForQuery also its goodbye when it is stopped. */
async function openLeavingProxy(path: string): Promise<number> {
  const fields = ['SFATAL', 'C57P01', 'Mterminating connection due to administrator command', ''].join('\0')
  const length = Buffer.alloc(4)
  length.writeInt32BE(4 + fields.length + 1)
  const goodbye = Buffer.concat([Buffer.from('E'), length, Buffer.from(`${fields}\0`)])
  const server = createServer((socket) => {
    const behind = connect(path)
    for (const one of [socket, behind]) one.on('error', () => undefined)
    socket.pipe(behind)
    behind.on('data', (said) => {
      if (said.subarray(-6).equals(Buffer.from('Z\0\0\0\x05I'))) socket.end(Buffer.concat([said, goodbye]))
      else socket.write(said)
    })
    socket.on('close', () => behind.destroy())
  })
  onTestFinished(
    () =>
      new Promise<void>((done) =>
        server.close(() => {
          done()
        }),
      ),
  )
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}
