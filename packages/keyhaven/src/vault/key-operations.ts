/**
 * The operations with keys that stay inside: each reads the record, works, and overwrites its copy. The cryptography of
 * each is loaded when it is first used.
 *
 * A record serves an operation only if it has that operation's type, so that no key is used for two purposes.
 */
import { wipe } from '../crypto/bytes.ts'
import { loadXWing } from '../crypto/load-x-wing.ts'
import { KeyhavenError } from '../errors.ts'
import { loadModule } from '../load-module.ts'
import type { KEY_TYPES, KeyOperationName, KeyOperations } from './operations.ts'
import type { VaultRecord } from './types.ts'

const KEY_LENGTH = 32

type Work<O extends KeyOperationName> = (
  key: Uint8Array,
  input: KeyOperations[O]['input'],
) => Promise<KeyOperations[O]['output']>

interface Operation<O extends KeyOperationName> {
  readonly type: (typeof KEY_TYPES)[keyof typeof KEY_TYPES]
  /** What the input must have; it may come as a message from a page. */
  readonly input: Readonly<Record<string, 'bytes' | 'text'>>
  readonly work: Work<O>
}

const OPERATIONS: { readonly [O in KeyOperationName]: Operation<O> } = {
  'schnorr-public-key': {
    type: 'nostr-secret-key',
    input: {},
    work: async (key) => (await loadModule(import('../crypto/schnorr.ts'))).deriveSchnorrPublicKey(key),
  },
  'schnorr-sign': {
    type: 'nostr-secret-key',
    input: { message: 'bytes' },
    work: async (key, { message }) =>
      (await loadModule(import('../crypto/schnorr.ts'))).signSchnorr({ message, secretKey: key }),
  },
  'nip44-seal': {
    type: 'nostr-secret-key',
    input: { publicKey: 'bytes', text: 'text' },
    work: async (key, { publicKey, text }) => {
      const { deriveConversationKey, sealNip44 } = await loadModule(import('../crypto/nip44.ts'))
      return withSecret(deriveConversationKey({ secretKey: key, publicKey }), (shared) =>
        sealNip44(text, shared),
      )
    },
  },
  'nip44-open': {
    type: 'nostr-secret-key',
    input: { publicKey: 'bytes', payload: 'text' },
    work: async (key, { publicKey, payload }) => {
      const { deriveConversationKey, openNip44 } = await loadModule(import('../crypto/nip44.ts'))
      return withSecret(deriveConversationKey({ secretKey: key, publicKey }), (shared) =>
        openNip44(payload, shared),
      )
    },
  },
  'x-wing-public-key': {
    type: 'x-wing-seed',
    input: {},
    work: async (key) => (await loadXWing()).deriveXWingPublicKey(key),
  },
  'x-wing-decapsulate': {
    type: 'x-wing-seed',
    input: { ciphertext: 'bytes' },
    work: async (seed, { ciphertext }) => (await loadXWing()).decapsulate({ ciphertext, seed }),
  },
  'ed25519-public-key': {
    type: 'ed25519-seed',
    input: {},
    work: async (key) => (await loadModule(import('../crypto/ed25519.ts'))).deriveEd25519PublicKey(key),
  },
  'ed25519-sign': {
    type: 'ed25519-seed',
    input: { message: 'bytes' },
    work: async (key, { message }) =>
      (await loadModule(import('../crypto/ed25519.ts'))).signEd25519({ message, seed: key }),
  },
  'ml-dsa-65-public-key': {
    type: 'ml-dsa-65-seed',
    input: {},
    work: async (key) => (await loadModule(import('../crypto/ml-dsa.ts'))).deriveMlDsa65PublicKey(key),
  },
  'ml-dsa-65-sign': {
    type: 'ml-dsa-65-seed',
    input: { message: 'bytes' },
    work: async (key, { message }) =>
      (await loadModule(import('../crypto/ml-dsa.ts'))).signMlDsa65({ message, seed: key }),
  },
}

/** Does an operation with the record that `read` finds; see `useKey`. */
export async function operate<O extends KeyOperationName>(
  operation: O,
  input: KeyOperations[O]['input'],
  read: () => Promise<VaultRecord | undefined>,
): Promise<KeyOperations[O]['output']> {
  const { type, input: fields, work } = requireOperation(operation)
  requireInput(fields, input)
  const found = await read()
  if (found === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  return withSecret(found.bytes, (key) => {
    if (found.type !== type || key.length !== KEY_LENGTH) {
      throw new KeyhavenError('ERR_INPUT_INVALID', {
        field: 'record',
        expected: `32 bytes of type ${type}`,
      })
    }
    return work(key, input)
  })
}

/** Names and inputs may come as a message from a page: they are what they claim to be, or refused. */
function requireOperation<O extends KeyOperationName>(name: O): Operation<O> {
  if (Object.hasOwn(OPERATIONS, name)) return OPERATIONS[name]
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'operation', expected: 'one of KeyOperations' })
}

function requireInput(fields: Operation<KeyOperationName>['input'], input: unknown): void {
  const given = new Map(Object.entries(input ?? {}) as [string, unknown][])
  for (const [field, kind] of Object.entries(fields)) {
    const value = given.get(field)
    if (kind === 'text' ? typeof value === 'string' : value instanceof Uint8Array) continue
    const expected = kind === 'text' ? 'a text' : 'a Uint8Array'
    throw new KeyhavenError('ERR_INPUT_INVALID', { field, expected })
  }
}

async function withSecret<T>(secret: Uint8Array, work: (secret: Uint8Array) => T | Promise<T>): Promise<T> {
  try {
    return await work(secret)
  } finally {
    wipe(secret)
  }
}
