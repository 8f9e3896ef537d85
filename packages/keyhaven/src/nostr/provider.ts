/**
 * A provider in the shape of NIP-07 (`window.nostr`) over a vault, for pages that expect one.
 *
 * Whatever runs in the page can call it, so each request but the public key's is put to `allow` first. NIP-04 is not
 * offered: it is deprecated, and leaks more than NIP-44.
 */
import { parseHex, toHex } from '../crypto/text.ts'
import { KeyhavenError } from '../errors.ts'
import type { Vault } from '../vault/types.ts'
import { copyTemplate, signEvent } from './event.ts'
import type { EventTemplate, SignedEvent } from './event.ts'
import { NOSTR_RECORD } from './keys.ts'

export interface NostrProvider {
  getPublicKey(): Promise<string>
  signEvent(event: EventTemplate): Promise<SignedEvent>
  readonly nip44: {
    encrypt(publicKey: string, plaintext: string): Promise<string>
    decrypt(publicKey: string, ciphertext: string): Promise<string>
  }
}

/** What the page wants done with the key. */
export type NostrRequest =
  | { readonly kind: 'sign'; readonly event: EventTemplate }
  | { readonly kind: 'encrypt' | 'decrypt'; readonly publicKey: string }

/** A provider; `allow` answers each request, and a refusal is `ERR_REQUEST_REFUSED`. */
export function createNostrProvider(input: {
  readonly vault: Pick<Vault, 'use'>
  readonly allow: (request: NostrRequest) => boolean | Promise<boolean>
  readonly record?: string
}): NostrProvider {
  const { vault, record = NOSTR_RECORD } = input
  const require = async (request: NostrRequest): Promise<void> => {
    if (!(await input.allow(request))) throw new KeyhavenError('ERR_REQUEST_REFUSED', undefined)
  }
  return {
    getPublicKey: async () => toHex(await vault.use(record, 'schnorr-public-key', undefined)),
    signEvent: async (event) => {
      const template = copyTemplate(event)
      await require({ kind: 'sign', event: template })
      return signEvent({ vault, record, event: template })
    },
    nip44: {
      encrypt: async (publicKey, text) => {
        await require({ kind: 'encrypt', publicKey })
        return vault.use(record, 'nip44-seal', { publicKey: parseHex(publicKey, 'publicKey', 32), text })
      },
      decrypt: async (publicKey, payload) => {
        await require({ kind: 'decrypt', publicKey })
        return vault.use(record, 'nip44-open', { publicKey: parseHex(publicKey, 'publicKey', 32), payload })
      },
    },
  }
}

/** Sets `window.nostr`, unless an extension has done so. Returns whether it was set. */
export function installNostrProvider(provider: NostrProvider, target: object = globalThis): boolean {
  if ('nostr' in target) return false
  Object.defineProperty(target, 'nostr', { value: Object.freeze(provider), configurable: true })
  return true
}
