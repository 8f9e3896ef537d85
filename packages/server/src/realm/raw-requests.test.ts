import { connect } from 'node:net'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import { register } from 'keyhaven/recovery'
import { encodeRequest } from 'keyhaven/recovery/realm'
import { freshInput } from './testing/server-fleet.ts'
import type { TestRealm } from './testing/realm-server.ts'
import { acmeToken, acmeTransport, ourConfiguration, startTestRealm } from './testing/realm-server.ts'

const NUM_GUESSES = 20
let realm: TestRealm
let subject: string
let version: Uint8Array

beforeAll(async () => {
  realm = await startTestRealm()
})

beforeEach(async () => {
  subject = toHex(randomBytes(16))
  version = await registerPerson(subject)
})

async function registerPerson(of: string): Promise<Uint8Array> {
  const options = { configuration: ourConfiguration([realm], 1), transport: acmeTransport(of) }
  const person = { userInfo: utf8('person'), pin: utf8('493817'), secret: randomBytes(8) }
  return (await register({ ...options, ...person, numGuesses: NUM_GUESSES })).version
}

function guess(): Buffer {
  return Buffer.from(encodeRequest({ kind: 'recover2', version, blindedInput: freshInput() }))
}

async function countedGuesses(): Promise<number> {
  const [row] = await realm.database.asSuperuser<{ n: number }>(
    'SELECT sum(guess_count)::int AS n FROM realm.records',
  )
  return row?.n ?? 0
}

async function head(of: string, ...lines: readonly string[]): Promise<string> {
  const always = ['POST /realm/req HTTP/1.1', 'Host: x', 'X-Juicebox-Version: 0.3.0']
  const token = `Authorization: Bearer ${await acmeToken(realm.id, of)}`
  return [...always, token, ...lines, '', ''].join('\r\n')
}

/** Sends pieces, each after the one before has left, and returns what comes until the server closes. */
function exchange(pieces: readonly (string | Buffer)[], then: 'wait' | 'hang-up' = 'wait'): Promise<Buffer> {
  const { port } = new URL(realm.address)
  return new Promise((done) => {
    const answer: Buffer[] = []
    const socket = connect(Number(port), '127.0.0.1', () => {
      for (const piece of pieces) socket.write(piece)
      if (then === 'hang-up') socket.end(() => socket.destroy())
    })
    socket.on('data', (chunk) => answer.push(chunk))
    // A server that closes while bytes are still on their way to it resets the connection.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      done(Buffer.concat(answer))
    })
  })
}

function statuses(answer: Buffer): readonly number[] {
  return [...answer.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}

/** A request within a request: what a server that loses count of bytes would take for the next one. */
async function smuggled(): Promise<Buffer> {
  const body = guess()
  return Buffer.concat([
    Buffer.from(await head(subject, `Content-Length: ${String(body.length)}`, 'Connection: close')),
    body,
  ])
}

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

describe('a body whose length is told in two ways, or in none', () => {
  it.each([
    ['both ways', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['twice', ['Content-Length: 5', 'Content-Length: 6']],
    ['in hex', ['Content-Length: 0x5']],
    ['with a sign', ['Content-Length: +5']],
    ['below zero', ['Content-Length: -1']],
    ['beyond all numbers', ['Content-Length: 99999999999999999999999']],
    ['by an unknown coding', ['Transfer-Encoding: chunked, identity']],
    ['by a coding that is spelled otherwise', ['Transfer-Encoding: xchunked']],
    ['on a folded line', ['Transfer-Encoding:\r\n chunked']],
    ['before a space', ['Content-Length : 5']],
  ])('%s is refused, and nothing after it is read as a request', async (_, lines) => {
    const before = await countedGuesses()
    const answer = await exchange([await head(subject, ...lines), '0\r\n\r\n', await smuggled()])
    expect(statuses(answer)).toEqual([400])
    expect(await countedGuesses()).toBe(before)
  })
})

describe('requests on one connection', () => {
  it('are each of their own token, also when they come in one piece', async () => {
    const other = toHex(randomBytes(16))
    const theirs = await registerPerson(other)
    const body = Buffer.from(encodeRequest({ kind: 'recover1' }))
    const length = `Content-Length: ${String(body.length)}`
    const pieces = await Promise.all(
      [subject, other, subject].map(async (of, place) => [
        Buffer.from(await head(of, length, ...(place === 2 ? ['Connection: close'] : []))),
        body,
      ]),
    )
    const answer = await exchange([Buffer.concat(pieces.flat())])
    expect(statuses(answer)).toEqual([200, 200, 200])
    const places = [version, theirs, version].map((each) => answer.indexOf(each))
    expect(places.every((place) => place > 0)).toBe(true)
    expect(answer.indexOf(theirs)).toBeGreaterThan(answer.indexOf(version))
    expect(answer.lastIndexOf(version)).toBeGreaterThan(answer.indexOf(theirs))
  })

  it('go on after one that was refused before its body was read, and that body is no request', async () => {
    const before = await countedGuesses()
    const inner = await smuggled()
    const refused = (await head(subject, `Content-Length: ${String(inner.length)}`)).replace(
      'Bearer ',
      'Bearer x',
    )
    const body = Buffer.from(encodeRequest({ kind: 'recover1' }))
    const good = await head(subject, `Content-Length: ${String(body.length)}`, 'Connection: close')
    const answer = await exchange([refused, inner, good, body])
    expect(statuses(answer)).toEqual([401, 200])
    expect(await countedGuesses()).toBe(before)
  })

  it('end with one whose body is longer than it may be, and what is left of it is no request', async () => {
    const before = await countedGuesses()
    const long = await head(subject, 'Transfer-Encoding: chunked')
    const answer = await exchange([long, chunk(Buffer.concat([Buffer.alloc(3000), await smuggled()]))])
    expect(statuses(answer)).toEqual([413])
    expect(await countedGuesses()).toBe(before)
  })
})

describe('a body in pieces', () => {
  it('is one body, and what its trailers claim is not looked at', async () => {
    const before = await countedGuesses()
    const stranger = await acmeToken(realm.id, toHex(randomBytes(16)))
    const body = guess()
    const answer = await exchange([
      await head(subject, 'Transfer-Encoding: chunked', 'Trailer: Authorization', 'Connection: close'),
      chunk(body.subarray(0, 7)),
      chunk(body.subarray(7)),
      `0\r\nAuthorization: Bearer ${stranger}\r\n\r\n`,
    ])
    expect(statuses(answer)).toEqual([200])
    expect(await countedGuesses()).toBe(before + 1)
  })

  it('that is announced is asked for, once, and then read', async () => {
    const body = guess()
    const length = `Content-Length: ${String(body.length)}`
    const answer = await exchange([
      await head(subject, length, 'Expect: 100-continue', 'Connection: close'),
      body,
    ])
    expect(statuses(answer)).toEqual([100, 200])
  })

  it('that ends too early, by a lie or because the client hung up, counts nothing', async () => {
    const before = await countedGuesses()
    const body = guess()
    const length = `Content-Length: ${String(body.length + 1)}`
    await Promise.all(
      [[length], ['Transfer-Encoding: chunked']].map(async (lines) =>
        exchange([await head(subject, ...lines), lines[0] === length ? body : chunk(body)], 'hang-up'),
      ),
    )
    const shorter = await head(subject, `Content-Length: ${String(body.length - 1)}`, 'Connection: close')
    expect(statuses(await exchange([shorter, body.subarray(0, -1)]))).toEqual([400])
    expect(await countedGuesses()).toBe(before)
    expect(
      (
        await acmeTransport(subject)({
          realm: { id: realm.id, address: realm.address },
          body: encodeRequest({ kind: 'recover1' }),
          signal: new AbortController().signal,
        })
      ).kind,
    ).toBe('ok')
  })
})
