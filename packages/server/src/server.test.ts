import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { listen } from './server.ts'

describe('a listener', () => {
  test('lets a running request finish, takes no new one, and closes kept-alive connections', async () => {
    let answer: (() => void) | undefined
    const began = new Promise<void>((started) => {
      answer = started
    })
    let release: (() => void) | undefined
    const held = new Promise<void>((done) => {
      release = done
    })
    const listener = await listen({
      host: '127.0.0.1',
      port: 0,
      fetch: async () => {
        answer?.()
        await held
        return new Response('done')
      },
    })
    const running = fetch(`http://127.0.0.1:${String(listener.port)}/`)
    await began
    const closing = listener.close()
    await expect(fetch(`http://127.0.0.1:${String(listener.port)}/`)).rejects.toThrow('fetch failed')
    release?.()
    expect(await (await running).text()).toBe('done')
    await closing
  })

  test('is not kept open by a connection on which nothing was asked', async () => {
    const listener = await listen({ host: '127.0.0.1', port: 0, fetch: () => new Response('done') })
    const socket = connect(listener.port, '127.0.0.1')
    await new Promise((done) => socket.once('connect', done))
    const ended = new Promise((done) => socket.once('close', done))
    socket.on('error', () => undefined)
    await listener.close()
    await ended
    expect(socket.destroyed).toBe(true)
  })

  test('cuts off a client that takes nothing of its answer', async () => {
    let cut: (() => void) | undefined
    const ended = new Promise<void>((done) => {
      cut = done
    })
    const endless = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        pull: (controller) => {
          controller.enqueue(new Uint8Array(65_536))
        },
        cancel: () => cut?.(),
      })
    const listener = await listen({
      host: '127.0.0.1',
      port: 0,
      fetch: () => new Response(endless()),
      stallMs: 200,
    })
    const socket = connect(listener.port, '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    )
    socket.on('error', () => undefined).pause()
    await ended
    socket.destroy()
    await listener.close()
  })

  test('cuts off a client that sends its request byte by byte, and serves the others meanwhile', async () => {
    const answer = (request: Request): Promise<Response> => request.text().then(() => new Response('done'))
    const listener = await listen({ host: '127.0.0.1', port: 0, fetch: answer, requestMs: 1500 })
    const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n'
    const socket = connect(listener.port, '127.0.0.1', () => socket.write(head))
    const ended = new Promise((done) => socket.once('close', done))
    const sending = setInterval(() => socket.write('x'), 50)
    socket.on('error', () => undefined).resume()
    expect(await (await fetch(`http://127.0.0.1:${String(listener.port)}/`)).text()).toBe('done')
    await ended
    clearInterval(sending)
    await listener.close()
  })

  test('cuts off a client that takes its answer byte by byte', async () => {
    let cut: (() => void) | undefined
    const ended = new Promise<void>((done) => {
      cut = done
    })
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.enqueue(new Uint8Array(65_536))
      },
      cancel: () => cut?.(),
    })
    const fetchEndless = (): Response => new Response(endless)
    // Nothing else than the bound on the whole exchange may end it.
    const options = { host: '127.0.0.1', port: 0, stallMs: 0, exchangeMs: 300 }
    const listener = await listen({ ...options, fetch: fetchEndless })
    const socket = connect(listener.port, '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    )
    socket.on('error', () => undefined).pause()
    const reading = setInterval(() => {
      socket.read(1)
    }, 5)
    await ended
    clearInterval(reading)
    socket.destroy()
    await listener.close()
  })

  test('listens on IPv6 as well', async () => {
    const listener = await listen({ host: '::1', port: 0, fetch: () => new Response('done') })
    expect(await (await fetch(`http://[::1]:${String(listener.port)}/`)).text()).toBe('done')
    await listener.close()
  })

  test('says which setting is wrong when it cannot listen', async () => {
    const fetchNothing = (): Response => new Response('')
    await expect(listen({ host: '203.0.113.7', port: 0, fetch: fetchNothing })).rejects.toMatchObject({
      code: 'ERR_SETTING_INVALID',
      details: { setting: '--host' },
    })
    const first = await listen({ host: '127.0.0.1', port: 0, fetch: fetchNothing })
    await expect(listen({ host: '127.0.0.1', port: first.port, fetch: fetchNothing })).rejects.toMatchObject({
      details: { setting: '--port' },
    })
    await first.close()
  })
})
