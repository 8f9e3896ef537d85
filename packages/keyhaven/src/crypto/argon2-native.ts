/**
 * Argon2id by the native package `@node-rs/argon2`, an optional dependency for Node. It hashes off the main thread.
 */
import type { Argon2id } from './argon2.ts'

/** The part of the package that is used; its own types name const enums, which isolated modules cannot read. */
interface NativeArgon2 {
  readonly hashRaw: (
    password: Uint8Array,
    options: Readonly<Record<string, number | Uint8Array>>,
  ) => Promise<Uint8Array>
}

const ALGORITHM_ARGON2ID = 2
const VERSION_0X13 = 1

/** Loads the package; rejects where it is missing. */
export async function loadArgon2idNative(): Promise<Argon2id> {
  // A name that bundlers cannot follow: a page must not pull the package's own wasm in.
  const name = ['@node-rs', 'argon2'].join('/')
  const native = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as NativeArgon2
  return async ({ password, salt, memoryKib, iterations, parallelism, length }) => {
    const hash = await native.hashRaw(password, {
      salt,
      memoryCost: memoryKib,
      timeCost: iterations,
      parallelism,
      outputLen: length,
      algorithm: ALGORITHM_ARGON2ID,
      version: VERSION_0X13,
    })
    return new Uint8Array(hash)
  }
}
