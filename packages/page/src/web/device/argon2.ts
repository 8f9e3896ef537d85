/** Argon2id in a worker that is started when it is first needed, and again after one that did not load. */
import { KeyhavenError } from 'keyhaven'
import type { Argon2id } from 'keyhaven/crypto'
import { trustedScript } from '../trusted-scripts.ts'
import address from './argon2-worker.ts?worker&url'

let worker: Worker | undefined

function startWorker(): Worker {
  const started = new Worker(trustedScript(address), { type: 'module' })
  started.addEventListener('error', () => {
    worker = undefined
  })
  return started
}

export const argon2id: Argon2id = (input) => {
  worker ??= startWorker()
  const asked = worker
  const { port1, port2 } = new MessageChannel()
  return new Promise<Uint8Array>((resolve, reject) => {
    const fail = (): void => {
      reject(new KeyhavenError('ERR_ARGON2_UNAVAILABLE', undefined))
    }
    asked.addEventListener('error', fail, { once: true })
    port1.onmessage = ({ data }: MessageEvent<Uint8Array | undefined>) => {
      asked.removeEventListener('error', fail)
      if (data === undefined) fail()
      else resolve(data)
    }
    asked.postMessage(input, [port2])
  }).finally(() => {
    port1.close()
  })
}
