/** The slow part of checking a PIN, beside the page so that it stays quick. */
import { loadArgon2id } from 'keyhaven/crypto'
import type { Argon2idInput } from 'keyhaven/crypto'

addEventListener('message', ({ data, ports }: MessageEvent<Argon2idInput>) => {
  const [port] = ports
  void loadArgon2id()
    .then((argon2id) => argon2id(data))
    .then(
      (bytes) => {
        port?.postMessage(bytes)
      },
      () => {
        port?.postMessage(undefined)
      },
    )
})
