/**
 * What can be done with a key without taking it out: each operation reads the record, works, and overwrites its copy.
 * In a worker, this is what keeps the key off the page. The code of each is loaded when it is first used.
 *
 * A record serves an operation only if it has that operation's type, so that no key is used for two purposes.
 */
import { wipe } from '../crypto/bytes.ts'
import { KeyhavenError } from '../errors.ts'
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

const KEY_LENGTH = 32

type Work<O extends KeyOperationName> = (
  key: Uint8Array,
  input: KeyOperations[O]['input'],
) => Promise<KeyOperations[O]['output']>

interface Operation<O extends KeyOperationName> {
  readonly type: string
  /** What the input must have; it may come as a message from a page. */
  readonly input: Readonly<Record<string, 'bytes' | 'text'>>
  readonly work: Work<O>
}

const OPERATIONS: { readonly [O in KeyOperationName]: Operation<O> } = {
  'schnorr-public-key': {
    type: KEY_TYPES.nostr,
    input: {},
    work: async (key) => (await import('../crypto/schnorr.ts')).deriveSchnorrPublicKey(key),
  },
  'schnorr-sign': {
    type: KEY_TYPES.nostr,
    input: { message: 'bytes' },
    work: async (key, { message }) =>
      (await import('../crypto/schnorr.ts')).signSchnorr({ message, secretKey: key }),
  },
  'nip44-seal': {
    type: KEY_TYPES.nostr,
    input: { publicKey: 'bytes', text: 'text' },
    work: async (key, { publicKey, text }) => {
      const { deriveConversationKey, sealNip44 } = await import('../crypto/nip44.ts')
      return withSecret(deriveConversationKey({ secretKey: key, publicKey }), (shared) =>
        sealNip44(text, shared),
      )
    },
  },
  'nip44-open': {
    type: KEY_TYPES.nostr,
    input: { publicKey: 'bytes', payload: 'text' },
    work: async (key, { publicKey, payload }) => {
      const { deriveConversationKey, openNip44 } = await import('../crypto/nip44.ts')
      return withSecret(deriveConversationKey({ secretKey: key, publicKey }), (shared) =>
        openNip44(payload, shared),
      )
    },
  },
  'x-wing-public-key': {
    type: KEY_TYPES.xWing,
    input: {},
    work: async (key) => (await import('../crypto/x-wing.ts')).deriveXWingPublicKey(key),
  },
  'x-wing-decapsulate': {
    type: KEY_TYPES.xWing,
    input: { ciphertext: 'bytes' },
    work: async (seed, { ciphertext }) =>
      (await import('../crypto/x-wing.ts')).decapsulate({ ciphertext, seed }),
  },
  'ed25519-public-key': {
    type: KEY_TYPES.ed25519,
    input: {},
    work: async (key) => (await import('../crypto/ed25519.ts')).deriveEd25519PublicKey(key),
  },
  'ed25519-sign': {
    type: KEY_TYPES.ed25519,
    input: { message: 'bytes' },
    work: async (key, { message }) =>
      (await import('../crypto/ed25519.ts')).signEd25519({ message, seed: key }),
  },
  'ml-dsa-65-public-key': {
    type: KEY_TYPES.mlDsa65,
    input: {},
    work: async (key) => (await import('../crypto/ml-dsa.ts')).deriveMlDsa65PublicKey(key),
  },
  'ml-dsa-65-sign': {
    type: KEY_TYPES.mlDsa65,
    input: { message: 'bytes' },
    work: async (key, { message }) =>
      (await import('../crypto/ml-dsa.ts')).signMlDsa65({ message, seed: key }),
  },
}

/**
 * Does one operation with a record's key. `ERR_RECORD_MISSING` without the record, `ERR_INPUT_INVALID` when it is of
 * another type.
 */
export function useKey<O extends KeyOperationName>(
  body: Body,
  record: string,
  operation: O,
  input: KeyOperations[O]['input'],
): Promise<KeyOperations[O]['output']> {
  return withContents(body, async (contents) => {
    const { type, input: fields, work } = requireOperation(operation)
    requireInput(fields, input)
    const found = await readRecord(contents, requireRecordName(record))
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
