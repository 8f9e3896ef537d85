/** The slow parts of a PIN and of a recovery kit, beside the page so that it stays quick. */
import { loadArgon2id, loadScrypt } from 'keyhaven/crypto'
import type { Argon2idInput, ScryptInput } from 'keyhaven/crypto'

export type Stretching =
  | { readonly by: 'argon2id'; readonly input: Argon2idInput }
  | { readonly by: 'scrypt'; readonly input: ScryptInput }

addEventListener('message', ({ data, ports }: MessageEvent<Stretching>) => {
  const [port] = ports
  void stretch(data).then(
    (bytes) => {
      port?.postMessage(bytes)
    },
    () => {
      port?.postMessage(undefined)
    },
  )
})

async function stretch({ by, input }: Stretching): Promise<Uint8Array> {
  return by === 'argon2id' ? (await loadArgon2id())(input) : (await loadScrypt())(input)
}
