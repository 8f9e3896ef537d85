/** Argon2id and scrypt in a worker that is started when it is first needed, and again after one that did not load. */
import { KeyhavenError } from 'keyhaven'
import type { Argon2id, Scrypt } from 'keyhaven/crypto'
import { trustedScript } from '../trusted-scripts.ts'
import type { Stretching } from './stretching-worker.ts'
import address from './stretching-worker.ts?worker&url'

let worker: Worker | undefined

function startWorker(): Worker {
  const started = new Worker(trustedScript(address), { type: 'module' })
  started.addEventListener('error', () => {
    worker = undefined
  })
  return started
}

export const argon2id: Argon2id = (input) =>
  ask({ by: 'argon2id', input }, new KeyhavenError('ERR_ARGON2_UNAVAILABLE', undefined))

export const scrypt: Scrypt = (input) =>
  ask({ by: 'scrypt', input }, new KeyhavenError('ERR_SCRYPT_UNAVAILABLE', undefined))

function ask(asked: Stretching, unavailable: KeyhavenError): Promise<Uint8Array> {
  worker ??= startWorker()
  const current = worker
  const { port1, port2 } = new MessageChannel()
  return new Promise<Uint8Array>((resolve, reject) => {
    const fail = (): void => {
      reject(unavailable)
    }
    current.addEventListener('error', fail, { once: true })
    port1.onmessage = ({ data }: MessageEvent<Uint8Array | undefined>) => {
      current.removeEventListener('error', fail)
      if (data === undefined) fail()
      else resolve(data)
    }
    current.postMessage(asked, [port2])
  }).finally(() => {
    port1.close()
  })
}
