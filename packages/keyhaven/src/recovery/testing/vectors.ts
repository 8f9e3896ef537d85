/**
 * Reads the language-neutral vectors at the repository's root, for tests.
 */
import { readFileSync } from 'node:fs'
import { parseHex } from '../../crypto/text.ts'

/** The parsed contents of `vectors/<name>`. */
export function readVectors(name: string): unknown {
  const path = new URL(`../../../../../vectors/${name}`, import.meta.url)
  return JSON.parse(readFileSync(path, 'utf8')) as unknown
}

/** Bytes of a vector's hex. */
export function bytes(hex: string): Uint8Array {
  return parseHex(hex, 'vector')
}
