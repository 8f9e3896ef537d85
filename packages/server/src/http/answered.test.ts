import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { listen } from '../server.ts'
import { whenAnswered } from './answered.ts'

/** Asks a listener that answers with `body`; `answered` is true once it was told that the answer has left. */
async function ask(body: () => BodyInit): Promise<{
  readonly port: number
  readonly answered: () => number
  readonly close: () => Promise<void>
}> {
  let count = 0
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    fetch: (_, env) => {
      whenAnswered(env.outgoing, () => {
        count += 1
      })
      return new Response(body())
    },
  })
  return { port: listener.port, answered: () => count, close: () => listener.close() }
}

test('an answer that was taken has left, once', async () => {
  const { port, answered, close } = await ask(() => 'done')
  for (let round = 1; round <= 3; round += 1) {
    expect(await (await fetch(`http://127.0.0.1:${String(port)}/`)).text()).toBe('done')
    await expect.poll(answered).toBe(round)
  }
  await close()
  expect(answered()).toBe(3)
})

test('an answer that nobody takes has not left, until its connection is gone', async () => {
  let pulled = 0
  const endless = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull: (controller) => {
        pulled += 1
        controller.enqueue(new Uint8Array(65_536))
      },
    })
  const { port, answered, close } = await ask(endless)
  const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
  socket.on('error', () => undefined).pause()
  await expect.poll(() => pulled).toBeGreaterThan(1)
  expect(answered()).toBe(0)
  socket.destroy()
  await expect.poll(answered).toBe(1)
  await close()
})
