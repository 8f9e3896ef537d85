/**
 * A person's keys as an app would have them: a hybrid post-quantum identity (X-Wing to agree; Ed25519 and ML-DSA-65 to
 * sign), a Nostr key, and conversation keys.
 */
import { randomUUID } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import {
  deriveEd25519PublicKey,
  equal,
  loadXWing,
  randomBytes,
  signEd25519,
  utf8,
  verifyEd25519,
} from 'keyhaven/crypto'
import type { KeySet } from 'keyhaven/sync'

/** The public halves, which is what others would use to reach and to check this person. */
export interface PublicIdentity {
  readonly xWing: Uint8Array
  readonly ed25519: Uint8Array
  readonly mlDsa: Uint8Array
}

export interface Person {
  readonly keys: KeySet
  readonly publicIdentity: PublicIdentity
}

const NAMES = { xWing: 'x-wing', ed25519: 'ed25519', mlDsa: 'ml-dsa-65', nostr: 'nostr' } as const

/** Makes a person with `conversations` conversation keys. */
export async function generatePerson(conversations: number): Promise<Person> {
  const { deriveXWingPublicKey } = await loadXWing()
  const xWing = randomBytes(32)
  const ed25519 = randomBytes(32)
  const mlDsa = ml_dsa65.keygen(randomBytes(32))
  const nostr = secp256k1.utils.randomSecretKey()
  return {
    keys: {
      identityKeys: {
        [NAMES.xWing]: xWing,
        [NAMES.ed25519]: ed25519,
        [NAMES.mlDsa]: mlDsa.secretKey,
        [NAMES.nostr]: nostr,
      },
      conversationKeys: Object.fromEntries(
        Array.from({ length: conversations }, () => [randomUUID(), randomBytes(32)]),
      ),
    },
    publicIdentity: {
      xWing: deriveXWingPublicKey(xWing),
      ed25519: deriveEd25519PublicKey(ed25519),
      mlDsa: mlDsa.publicKey,
    },
  }
}

/** True when both sets have the same names with the same bytes. */
export function isSameKeySet(left: KeySet, right: KeySet): boolean {
  return (
    isSame(left.identityKeys, right.identityKeys) && isSame(left.conversationKeys, right.conversationKeys)
  )
}

function isSame(
  left: Readonly<Record<string, Uint8Array>>,
  right: Readonly<Record<string, Uint8Array>>,
): boolean {
  const names = Object.keys(left)
  if (names.length !== Object.keys(right).length) return false
  return names.every((name) => {
    const [one, other] = [left[name], right[name]]
    return one !== undefined && other !== undefined && equal(one, other)
  })
}

/** True when the restored keys open what is sealed to the public identity, and sign what it verifies. */
export async function isWorkingIdentity(
  keys: KeySet,
  { xWing, ed25519, mlDsa }: PublicIdentity,
): Promise<boolean> {
  const seed = keys.identityKeys[NAMES.xWing]
  const signingSeed = keys.identityKeys[NAMES.ed25519]
  const signingKey = keys.identityKeys[NAMES.mlDsa]
  if (seed === undefined || signingSeed === undefined || signingKey === undefined) return false
  const { decapsulate, encapsulate } = await loadXWing()
  const { ciphertext, sharedSecret } = encapsulate(xWing)
  const message = utf8('from the restored device')
  return (
    equal(decapsulate({ ciphertext, seed }), sharedSecret) &&
    verifyEd25519({ publicKey: ed25519, message, signature: signEd25519({ seed: signingSeed, message }) }) &&
    ml_dsa65.verify(ml_dsa65.sign(message, signingKey), message, mlDsa)
  )
}
