/** Argon2id in a worker that is started when it is first needed. */
import { KeyhavenError } from 'keyhaven'
import type { Argon2id } from 'keyhaven/crypto'
import { trustedScript } from '../trusted-scripts.ts'
import address from './argon2-worker.ts?worker&url'

let worker: Worker | undefined

export const argon2id: Argon2id = (input) => {
  worker ??= new Worker(trustedScript(address), { type: 'module' })
  const { port1, port2 } = new MessageChannel()
  worker.postMessage(input, [port2])
  return new Promise((resolve, reject) => {
    port1.onmessage = ({ data }: MessageEvent<Uint8Array | undefined>) => {
      port1.close()
      if (data === undefined) reject(new KeyhavenError('ERR_ARGON2_UNAVAILABLE', undefined))
      else resolve(data)
    }
  })
}
