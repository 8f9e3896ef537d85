/**
 * What can be done with a key without taking it out. In a worker, this is what keeps the key off the page. The code is
 * loaded when it is first used (key-operations.ts).
 */
import { loadModule } from '../load-module.ts'
import { withContents } from './body.ts'
import type { Body } from './body.ts'
import { readRecord } from './contents.ts'
import { requireRecordName } from './names.ts'

/** The record types that operations ask for. Each record is 32 bytes: a secret key or a seed. */
export const KEY_TYPES = {
  nostr: 'nostr-secret-key',
  xWing: 'x-wing-seed',
  ed25519: 'ed25519-seed',
  mlDsa65: 'ml-dsa-65-seed',
} as const

/** Input and output of each operation; byte arrays unless told. */
export interface KeyOperations {
  /** The 32-byte x-only public key of a Nostr key. */
  'schnorr-public-key': { readonly input: undefined; readonly output: Uint8Array }
  /** Signs 32 bytes (BIP 340). */
  'schnorr-sign': { readonly input: { readonly message: Uint8Array }; readonly output: Uint8Array }
  /** Seals a text for a 32-byte public key. */
  'nip44-seal': {
    readonly input: { readonly publicKey: Uint8Array; readonly text: string }
    readonly output: string
  }
  'nip44-open': {
    readonly input: { readonly publicKey: Uint8Array; readonly payload: string }
    readonly output: string
  }
  'x-wing-public-key': { readonly input: undefined; readonly output: Uint8Array }
  'x-wing-decapsulate': { readonly input: { readonly ciphertext: Uint8Array }; readonly output: Uint8Array }
  'ed25519-public-key': { readonly input: undefined; readonly output: Uint8Array }
  'ed25519-sign': { readonly input: { readonly message: Uint8Array }; readonly output: Uint8Array }
  'ml-dsa-65-public-key': { readonly input: undefined; readonly output: Uint8Array }
  'ml-dsa-65-sign': { readonly input: { readonly message: Uint8Array }; readonly output: Uint8Array }
}

export type KeyOperationName = keyof KeyOperations

/**
 * Does one operation with a record's key. `ERR_RECORD_MISSING` without the record, `ERR_INPUT_INVALID` when it is of
 * another type, `ERR_MODULE_UNAVAILABLE`.
 */
export async function useKey<O extends KeyOperationName>(
  body: Body,
  record: string,
  operation: O,
  input: KeyOperations[O]['input'],
): Promise<KeyOperations[O]['output']> {
  const { operate } = await loadModule(import('./key-operations.ts'))
  return withContents(body, (contents) =>
    operate(operation, input, async () => readRecord(contents, requireRecordName(record))),
  )
}
