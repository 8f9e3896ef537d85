/**
 * Password protection: whoever has the vault's bytes must guess the password, at the price of one Argon2id each.
 *
 * Nothing else is needed and nothing is kept, so a weak password is a weak vault whatever the parameters are.
 */
import type { Argon2id } from '../../crypto/argon2.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { KeyhavenError } from '../../errors.ts'
import { loadModule } from '../../load-module.ts'
import type { Factor, Protection } from '../protection.ts'
import { ARGON2ID_DEFAULT, PBKDF2_FLOOR, withinBounds } from './password-parameters.ts'
import type { Stretching } from './password-parameters.ts'
import { notePortable } from './portable.ts'

const MOST_PASSWORD_BYTES = 1024

export interface PasswordProtectionOptions {
  /** A text is taken in NFKC, so that it is the same from every keyboard; bytes are taken as they are. */
  readonly password: string | Uint8Array
  readonly label?: string
  /** Argon2id unless told; PBKDF2 only for where FIPS 140 rules. Read when a slot is made, not when one is opened. */
  readonly kdf?: 'argon2id' | 'pbkdf2-sha-256'
  /** KiB, 19,456 to 524,288; 65,536 unless told. Argon2id only. */
  readonly memoryKib?: number
  /** Argon2id: 2 to 64, 3 unless told. PBKDF2: at least 600,000. Without it, it is raised until `targetMs` is reached. */
  readonly iterations?: number
  /** How long opening should take on this machine, in ms; 250 unless told. Only ever raises the iterations. */
  readonly targetMs?: number
  /** Refuses what `estimatePassword` does not advise, with `ERR_PASSWORD_REFUSED`. */
  readonly requireAdvised?: boolean
  /** Another implementation than the one that `loadArgon2id` chooses. */
  readonly argon2id?: Argon2id
}

/**
 * A protection by password.
 *
 * `ERR_INPUT_INVALID` for an empty password and for parameters outside their bounds: nothing is silently raised or
 * lowered to fit. Each `enroll` draws a fresh salt of 16 bytes.
 */
export function passwordProtection(options: PasswordProtectionOptions): Protection {
  const password = requirePassword(options.password)
  const asked = requireStretching(options)
  const factor: Factor = {
    type: 'password',
    prompts: true,
    matches: () => true,
    enroll: async () =>
      (await loadModule(import('./password-stretching.ts'))).enrollPassword(password, asked, options),
    open: async ({ parameters }) => {
      const { openPassword } = await loadModule(import('./password-stretching.ts'))
      return { status: 'opened', secret: await openPassword(password, parameters, options.argon2id) }
    },
  }
  const protection: Protection = { label: options.label, factors: [factor] }
  notePortable(protection, { type: 'password', options })
  return protection
}

function requireStretching(options: PasswordProtectionOptions): Stretching {
  const stretching: Stretching =
    options.kdf === 'pbkdf2-sha-256'
      ? { kdf: 'pbkdf2-sha-256', iterations: options.iterations ?? PBKDF2_FLOOR }
      : {
          kdf: 'argon2id',
          memoryKib: options.memoryKib ?? ARGON2ID_DEFAULT.memoryKib,
          iterations: options.iterations ?? ARGON2ID_DEFAULT.iterations,
          parallelism: 1,
        }
  if (withinBounds(stretching)) return stretching
  throw new KeyhavenError('ERR_INPUT_INVALID', {
    field: 'memoryKib or iterations',
    expected: 'within the bounds',
  })
}

function requirePassword(password: string | Uint8Array): Uint8Array {
  const lone = typeof password === 'string' && /\p{Cs}/u.test(password)
  const bytes = typeof password === 'string' ? utf8(password.normalize('NFKC')) : password.slice()
  if (!lone && bytes.length > 0 && bytes.length <= MOST_PASSWORD_BYTES) return bytes
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'password', expected: '1 to 1024 bytes of UTF-8' })
}
