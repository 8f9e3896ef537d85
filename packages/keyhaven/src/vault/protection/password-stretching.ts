/**
 * The work of a password protection: loaded when a password is made or tried.
 */
import { loadArgon2id, loadArgon2idNamed } from '../../crypto/argon2.ts'
import type { Argon2id, Argon2idName } from '../../crypto/argon2.ts'
import { wipe } from '../../crypto/bytes.ts'
import { derivePbkdf2 } from '../../crypto/pbkdf2.ts'
import { isKeyhavenError } from '../../errors.ts'
import { ARGON2ID_CEILING, generatePasswordParameters } from './password-parameters.ts'
import type { PasswordParameters, Stretching } from './password-parameters.ts'

const SECRET_LENGTH = 32
const TARGET_MS = 250

/**
 * Which Argon2id this place has. Plain JavaScript works where a page's policy forbids WebAssembly, and is some twenty
 * times slower: tell the person to wait, or allow `wasm-unsafe-eval`. `ERR_ARGON2_UNAVAILABLE` when there is none.
 */
export async function checkArgon2id(): Promise<{
  readonly implementation: Argon2idName
  readonly slow: boolean
}> {
  for (const implementation of ['native', 'wasm'] as const) {
    try {
      await loadArgon2idNamed(implementation)
      return { implementation, slow: false }
    } catch (error) {
      if (!isKeyhavenError(error, 'ERR_ARGON2_UNAVAILABLE')) throw error
    }
  }
  await loadArgon2idNamed('javascript')
  return { implementation: 'javascript', slow: true }
}

/** The 32-byte secret of a password. */
export async function stretch(
  password: Uint8Array,
  { stretching, salt }: PasswordParameters,
  argon2id?: Argon2id,
): Promise<Uint8Array> {
  if (stretching.kdf === 'pbkdf2-sha-256') {
    return derivePbkdf2({ password, salt, iterations: stretching.iterations, length: SECRET_LENGTH })
  }
  const { memoryKib, iterations, parallelism } = stretching
  const hash = argon2id ?? (await loadArgon2id())
  return hash({ password, salt, memoryKib, iterations, parallelism, length: SECRET_LENGTH })
}

/** Raises the iterations until one stretching takes about the target time here; never lowers them. */
export async function calibrate(
  asked: Stretching,
  options: { readonly targetMs?: number; readonly argon2id?: Argon2id },
): Promise<Stretching> {
  const targetMs = options.targetMs ?? TARGET_MS
  const sample = generatePasswordParameters(asked)
  if (asked.kdf === 'argon2id') await loadArgon2id()
  const start = performance.now()
  wipe(await stretch(new Uint8Array(8), sample, options.argon2id))
  const factor = Math.max(1, targetMs / Math.max(1, performance.now() - start))
  const most = asked.kdf === 'argon2id' ? ARGON2ID_CEILING.iterations : asked.iterations * 16
  return { ...asked, iterations: Math.min(most, Math.floor(asked.iterations * factor)) }
}
