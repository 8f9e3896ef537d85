/**
 * Argon2id (RFC 9106, version 1.3), by whichever implementation is here: native in Node, WebAssembly, plain JavaScript.
 *
 * All three give identical bytes, which tests prove; each is loaded only when it is used. {@link loadArgon2id} checks a
 * known answer before it trusts one.
 */
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { loadModule } from '../load-module.ts'
import { toHex } from './text.ts'

/** What one hash is made of. Memory in KiB (at least 8 · parallelism), length in bytes; the buffers stay the caller's. */
export interface Argon2idInput {
  readonly password: Uint8Array
  /** At least 8 bytes. */
  readonly salt: Uint8Array
  readonly memoryKib: number
  readonly iterations: number
  readonly parallelism: number
  readonly length: number
}

export type Argon2id = (input: Argon2idInput) => Promise<Uint8Array>

/** The implementations, best first. */
export type Argon2idName = 'native' | 'wasm' | 'javascript'

const LOADERS: Readonly<Record<Argon2idName, () => Promise<Argon2id>>> = {
  native: async () => (await import('./argon2-native.ts')).loadArgon2idNative(),
  wasm: async () => (await import('./argon2-wasm.ts')).argon2idWasm,
  javascript: async () => (await loadModule(import('./argon2-javascript.ts'))).argon2idJavascript,
}

let loaded: Promise<Argon2id> | undefined

/**
 * The best Argon2id that works here, chosen once; `ERR_ARGON2_UNAVAILABLE` when none does, for now, and
 * `ERR_MODULE_UNAVAILABLE` when not even the last one could be loaded.
 */
export function loadArgon2id(): Promise<Argon2id> {
  loaded ??= loadFirst(['native', 'wasm', 'javascript']).catch((error: unknown) => {
    loaded = undefined
    throw error
  })
  return loaded
}

/** One named implementation; `ERR_ARGON2_UNAVAILABLE` when it is missing, forbidden or wrong here. */
export function loadArgon2idNamed(name: Argon2idName): Promise<Argon2id> {
  return loadFirst([name])
}

async function loadFirst(names: readonly Argon2idName[]): Promise<Argon2id> {
  for (const name of names) {
    const argon2id = await tryLoad(name)
    if (argon2id !== undefined) return argon2id
  }
  throw new KeyhavenError('ERR_ARGON2_UNAVAILABLE', undefined)
}

/** An implementation may be missing (optional package), forbidden (a page's policy on wasm) or broken: then the next. */
async function tryLoad(name: Argon2idName): Promise<Argon2id | undefined> {
  try {
    const argon2id = await LOADERS[name]()
    return toHex(await argon2id(PROBE)) === PROBE_ANSWER ? argon2id : undefined
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_MODULE_UNAVAILABLE')) throw fault
    return undefined
  }
}

const PROBE: Argon2idInput = {
  password: new Uint8Array(8).fill(1),
  salt: new Uint8Array(8).fill(2),
  memoryKib: 8,
  iterations: 1,
  parallelism: 1,
  length: 16,
}
const PROBE_ANSWER = 'a4f02ee20e79cdfcb6b7f28cadb1a28c'
