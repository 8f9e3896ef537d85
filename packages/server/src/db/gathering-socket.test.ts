import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGatheringSocket } from './gathering-socket.ts'
import { nameStatement } from './statement-names.ts'

const listener = createServer()

beforeAll(async () => {
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
})

afterAll(() => {
  listener.close()
})

test('what is written in one turn, and in what it leads to, arrives as one piece, and the next turn’s after it', async () => {
  const arriving = once(listener, 'connection') as Promise<[Socket]>
  const socket = createGatheringSocket()
  socket.connect((listener.address() as AddressInfo).port, '127.0.0.1')
  const [other] = await arriving
  const first = once(other, 'data') as Promise<[Buffer]>
  socket.write('one ')
  socket.write(Buffer.from('two '))
  await Promise.resolve()
  socket.write('three ', 'utf8')
  expect(String((await first)[0])).toBe('one two three ')
  const second = once(other, 'data') as Promise<[Buffer]>
  await new Promise<void>((done, fail) => {
    socket.write('four', (fault) => {
      if (fault) fail(fault)
      else done()
    })
  })
  expect(String((await second)[0])).toBe('four')
  socket.destroy()
  other.destroy()
})

test('a statement keeps its name, and no two share one', () => {
  const [one, other] = [nameStatement('SELECT $1::int AS one'), nameStatement('SELECT $1::int AS other')]
  expect(nameStatement('SELECT $1::int AS one')).toBe(one)
  expect(one).not.toBe(other)
  // PostgreSQL cuts longer names off.
  expect(one?.length).toBeLessThan(64)
})
