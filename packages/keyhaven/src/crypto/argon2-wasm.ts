/**
 * Argon2id by the package `hash-wasm`. A page's content security policy must allow `wasm-unsafe-eval`. It blocks the
 * thread while it hashes: pages call it in a worker.
 */
import { argon2id } from 'hash-wasm'
import type { Argon2id } from './argon2.ts'

export const argon2idWasm: Argon2id = ({ password, salt, memoryKib, iterations, parallelism, length }) =>
  argon2id({
    password,
    salt,
    memorySize: memoryKib,
    iterations,
    parallelism,
    hashLength: length,
    outputType: 'binary',
  })
