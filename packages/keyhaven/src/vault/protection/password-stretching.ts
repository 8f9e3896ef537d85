/**
 * The work of a password protection: loaded when a password is made or tried.
 */
import { loadArgon2id, loadArgon2idNamed } from '../../crypto/argon2.ts'
import type { Argon2id, Argon2idName } from '../../crypto/argon2.ts'
import { be4, concat, randomBytes, wipe } from '../../crypto/bytes.ts'
import { derivePbkdf2 } from '../../crypto/pbkdf2.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { loadModule } from '../../load-module.ts'
import {
  ARGON2ID,
  ARGON2ID_CEILING,
  PBKDF2,
  SALT_LENGTH,
  parsePasswordParameters,
} from './password-parameters.ts'
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

export interface EnrollOptions {
  /** Without it, `asked` is calibrated. */
  readonly iterations?: number | undefined
  readonly targetMs?: number | undefined
  readonly requireAdvised?: boolean | undefined
  readonly argon2id?: Argon2id | undefined
}

/** Fresh parameters of a new slot, and the secret. `ERR_PASSWORD_REFUSED` where an advised password is asked for. */
export async function enrollPassword(
  password: Uint8Array,
  asked: Stretching,
  options: EnrollOptions,
): Promise<{ readonly parameters: Uint8Array; readonly secret: Uint8Array }> {
  if (options.requireAdvised === true) await requireAdvised(password)
  const stretching = options.iterations === undefined ? await calibrate(asked, options) : asked
  const parameters = generatePasswordParameters(stretching)
  const secret = await stretch(password, parameters, options.argon2id)
  return { parameters: encodePasswordParameters(parameters), secret }
}

/** The secret for stored parameters; `ERR_ENVELOPE_MALFORMED` when they are out of bounds. */
export function openPassword(
  password: Uint8Array,
  parameters: Uint8Array,
  argon2id?: Argon2id,
): Promise<Uint8Array> {
  return stretch(password, parsePasswordParameters(parameters), argon2id)
}

async function requireAdvised(password: Uint8Array): Promise<void> {
  const { estimatePassword } = await loadModule(import('./password-strength.ts'))
  const { weakness } = await estimatePassword(password)
  if (weakness !== undefined) throw new KeyhavenError('ERR_PASSWORD_REFUSED', { reason: weakness })
}

/** Parameters for a new slot, with a fresh salt. */
function generatePasswordParameters(stretching: Stretching): PasswordParameters {
  return { stretching, salt: randomBytes(SALT_LENGTH) }
}

export function encodePasswordParameters({ stretching, salt }: PasswordParameters): Uint8Array {
  if (stretching.kdf === 'pbkdf2-sha-256') {
    return concat(Uint8Array.of(PBKDF2), be4(stretching.iterations), salt)
  }
  const { memoryKib, iterations } = stretching
  return concat(
    Uint8Array.of(ARGON2ID),
    be4(memoryKib),
    be4(iterations),
    Uint8Array.of(stretching.parallelism),
    salt,
  )
}

/** The 32-byte secret of a password. */
async function stretch(
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
async function calibrate(asked: Stretching, options: EnrollOptions): Promise<Stretching> {
  const targetMs = options.targetMs ?? TARGET_MS
  const sample = generatePasswordParameters(asked)
  if (asked.kdf === 'argon2id') await loadArgon2id()
  const start = performance.now()
  wipe(await stretch(new Uint8Array(8), sample, options.argon2id))
  const factor = Math.max(1, targetMs / Math.max(1, performance.now() - start))
  const most = asked.kdf === 'argon2id' ? ARGON2ID_CEILING.iterations : asked.iterations * 16
  return { ...asked, iterations: Math.min(most, Math.floor(asked.iterations * factor)) }
}
