/**
 * scrypt (RFC 7914) with r = 8 and p = 1, for NIP-49: native in Node, else WebAssembly, else plain JavaScript.
 *
 * Each is loaded only when it is used, and checked against a known answer before it is trusted. Memory is
 * 2^(logN + 10) bytes: the caller bounds `logN`.
 */
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { loadModule } from '../load-module.ts'
import { nodeCrypto } from './node-crypto.ts'
import { toHex } from './text.ts'

const BLOCK_SIZE = 8

/** What one hash is made of; the buffers stay the caller's. */
export interface ScryptInput {
  readonly password: Uint8Array
  readonly salt: Uint8Array
  readonly logN: number
  readonly length: number
}

export type Scrypt = (input: ScryptInput) => Promise<Uint8Array>

/** The implementations, best first. */
export type ScryptName = 'native' | 'wasm' | 'javascript'

const LOADERS: Readonly<Record<ScryptName, () => Promise<Scrypt> | Scrypt>> = {
  native: loadNative,
  wasm: async () => (await import('./scrypt-wasm.ts')).scryptWasm,
  javascript: loadJavascript,
}

let loaded: Promise<Scrypt> | undefined

/**
 * The best scrypt that works here, chosen once; `ERR_SCRYPT_UNAVAILABLE` when none does, for now, and
 * `ERR_MODULE_UNAVAILABLE` when not even the last one could be loaded.
 */
export function loadScrypt(): Promise<Scrypt> {
  loaded ??= loadFirst(['native', 'wasm', 'javascript']).catch((error: unknown) => {
    loaded = undefined
    throw error
  })
  return loaded
}

/** One named implementation; `ERR_SCRYPT_UNAVAILABLE` when it is missing, forbidden or wrong here. */
export function loadScryptNamed(name: ScryptName): Promise<Scrypt> {
  return loadFirst([name])
}

async function loadFirst(names: readonly ScryptName[]): Promise<Scrypt> {
  for (const name of names) {
    const scrypt = await tryLoad(name)
    if (scrypt !== undefined) return scrypt
  }
  throw new KeyhavenError('ERR_SCRYPT_UNAVAILABLE', undefined)
}

async function tryLoad(name: ScryptName): Promise<Scrypt | undefined> {
  try {
    const scrypt = await LOADERS[name]()
    return toHex(await scrypt(PROBE)) === PROBE_ANSWER ? scrypt : undefined
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_MODULE_UNAVAILABLE')) throw fault
    return undefined
  }
}

/** OpenSSL's, off the main thread. */
function loadNative(): Scrypt {
  const node = nodeCrypto()
  if (node === undefined) throw new KeyhavenError('ERR_SCRYPT_UNAVAILABLE', undefined)
  const { scrypt } = node
  return ({ password, salt, logN, length }) =>
    new Promise((resolve, reject) => {
      const cost = 2 ** logN
      const options = {
        cost,
        blockSize: BLOCK_SIZE,
        parallelization: 1,
        maxmem: 128 * BLOCK_SIZE * (cost + 64),
      }
      scrypt(password, salt, length, options, (error, key) => {
        if (error === null) resolve(new Uint8Array(key))
        else reject(error)
      })
    })
}

async function loadJavascript(): Promise<Scrypt> {
  const { scryptAsync } = await loadModule(import('@noble/hashes/scrypt.js'))
  return ({ password, salt, logN, length }) =>
    scryptAsync(password, salt, {
      N: 2 ** logN,
      r: BLOCK_SIZE,
      p: 1,
      dkLen: length,
      maxmem: 2 ** (logN + 10) + 2 ** 20,
    })
}

const PROBE: ScryptInput = {
  password: new Uint8Array(8).fill(1),
  salt: new Uint8Array(8).fill(2),
  logN: 2,
  length: 16,
}
const PROBE_ANSWER = 'e54acfe235c9bf10ed853dad73ad4da3'
