/**
 * Argon2id by `@noble/hashes`: plain JavaScript, some twenty times slower than native, for where nothing else runs.
 */
import { argon2idAsync } from '@noble/hashes/argon2.js'
import type { Argon2idInput } from './argon2.ts'

/** Argon2id; the two optional inputs are RFC 9106's, for its vectors. */
export function argon2idJavascript(
  input: Argon2idInput & { readonly secret?: Uint8Array; readonly associatedData?: Uint8Array },
): Promise<Uint8Array> {
  return argon2idAsync(input.password, input.salt, {
    m: input.memoryKib,
    t: input.iterations,
    p: input.parallelism,
    dkLen: input.length,
    ...(input.secret && { key: input.secret }),
    ...(input.associatedData && { personalization: input.associatedData }),
  })
}
