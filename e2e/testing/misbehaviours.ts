/**
 * What a realm, or whatever stands before it, can do to a client instead of answering.
 */
import { Buffer } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import type { ServerResponse } from 'node:http'
import type { Misbehaviour } from './bending-proxy.ts'

/** Answers with a status, and with the honest body's type. */
export function answering(
  status: number,
  body: Uint8Array | string = '',
  headers: Readonly<Record<string, string>> = {},
): Misbehaviour {
  return (answer) => {
    answer.writeHead(status, { 'Content-Type': 'application/octet-stream', ...headers })
    answer.end(body)
  }
}

/** Hangs up before the first byte. */
export const cutAtOnce: Misbehaviour = (answer) => {
  answer.destroy()
}

/** Hangs up in the middle of a body. */
export const cutInBody: Misbehaviour = (answer) => {
  answer.writeHead(200, { 'Content-Length': '900' })
  answer.write('a1685265', () => answer.destroy())
}

/** Speaks something that is not HTTP. */
export const otherProtocol: Misbehaviour = (answer) => {
  answer.socket?.end('SSH-2.0-OpenSSH_9.2p1\r\n')
}

/** Sends a head of a mebibyte. */
export const hugeHead: Misbehaviour = (answer) => {
  answer.socket?.write(`HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(1_048_576)}\r\n\r\n`)
}

/** Never says anything. */
export const silence: Misbehaviour = () => undefined

/** Sends the head and then one byte now and then, for ever. */
export const drip: Misbehaviour = (answer) => {
  answer.writeHead(200, { 'Content-Type': 'application/octet-stream' })
  const timer = setInterval(() => answer.write('a'), 20)
  answer.once('close', () => {
    clearInterval(timer)
  })
}

/** Sends as fast as it is read, for ever. */
export const flood: Misbehaviour = (answer) => {
  answer.writeHead(200, { 'Content-Type': 'application/octet-stream' })
  repeat(answer, Buffer.alloc(65_536, 0xa1))
}

/** Sends 64 MiB of zeros over and over, each packed into 64 KiB. */
export const bomb: Misbehaviour = (answer) => {
  answer.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Encoding': 'gzip' })
  repeat(answer, (packed ??= gzipSync(Buffer.alloc(64 * 1_048_576), { level: 9 })))
}

let packed: Buffer | undefined

function repeat(answer: ServerResponse, bytes: Buffer): void {
  const send = (): void => {
    while (!answer.destroyed) if (!answer.write(bytes)) return
  }
  answer.on('drain', send)
  send()
}
