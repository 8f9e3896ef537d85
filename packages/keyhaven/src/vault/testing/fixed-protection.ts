/**
 * A protection for tests whose secret is given, so that thousands of unlocks cost no key derivation. Not for apps:
 * its parameters pretend to be a password's.
 */
import { sha256 } from '../../crypto/hkdf.ts'
import { utf8 } from '../../crypto/bytes.ts'
import type { Protection } from '../protection.ts'
import { encodePasswordParameters } from '../protection/password-stretching.ts'

export function fixedProtection(text: string): Protection {
  const stretching = { kdf: 'argon2id', memoryKib: 19_456, iterations: 2, parallelism: 1 } as const
  const parameters = encodePasswordParameters({ stretching, salt: new Uint8Array(16) })
  return {
    factors: [
      {
        type: 'password',
        prompts: true,
        matches: () => true,
        enroll: () => Promise.resolve({ parameters, secret: sha256(utf8(text)) }),
        open: () => Promise.resolve({ status: 'opened', secret: sha256(utf8(text)) }),
      },
    ],
  }
}
