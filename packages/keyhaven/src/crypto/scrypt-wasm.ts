/**
 * scrypt by the package `hash-wasm`. A page's content security policy must allow `wasm-unsafe-eval`. It blocks the thread
 * while it hashes: pages call it in a worker.
 */
import { scrypt } from 'hash-wasm'
import type { Scrypt } from './scrypt.ts'

export const scryptWasm: Scrypt = ({ password, salt, logN, length }) =>
  scrypt({
    password,
    salt,
    costFactor: 2 ** logN,
    blockSize: 8,
    parallelism: 1,
    hashLength: length,
    outputType: 'binary',
  })
