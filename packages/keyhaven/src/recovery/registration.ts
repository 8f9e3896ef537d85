/**
 * What a registration consists of: made for all realms at once, and opened again from enough of them. Pure.
 *
 * `MAC_n(key; a, b, …)` is keyed BLAKE2s (RFC 7693) over `lp(a) ‖ lp(b) ‖ …`, as the Juicebox Protocol has it.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { blake2s } from '@noble/hashes/blake2.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { be2, concat, lp, randomBytes, wipe } from '../crypto/bytes.ts'
import { deriveEd25519PublicKey, signEd25519, verifyEd25519 } from '../crypto/ed25519.ts'
import { KeyhavenError } from '../errors.ts'
import type { Realm } from './configuration.ts'
import type { Group } from './group.ts'
import type { Register2Request, Share, SignedPublicKey } from './messages.ts'
import { evaluateDirectly, generateScalar } from './oprf.ts'
import type { StretchedPin } from './pin.ts'
import type { IndexedValue } from './shares.ts'
import { combineScalars, generateShares } from './shares.ts'

/** A secret has at most this many bytes; it is padded to them. */
export const SECRET_LIMIT = 128

/** The key is used for one registration only, so the nonce may be fixed. */
const NONCE = new Uint8Array(12)

/** Everything that goes to the realms, in the realms' order. */
export function createRegistration(input: {
  readonly group: Group
  /** Sorted by id. */
  readonly realms: readonly Realm[]
  readonly recoverThreshold: number
  readonly version: Uint8Array
  readonly stretched: StretchedPin
  readonly secret: Uint8Array
  readonly numGuesses: number
  /** Random bytes; only vectors give their own. */
  readonly random?: (length: number) => Uint8Array
}): readonly Register2Request[] {
  const { group, realms, recoverThreshold: threshold, stretched, random = randomBytes } = input
  const oprfKey = generateScalar(group, random)
  const keyShares = generateShares({ group, secret: oprfKey, threshold, count: realms.length, random })
  const keyScalar = generateScalar(group, random)
  const scalarShares = generateShares({ group, secret: keyScalar, threshold, count: realms.length, random })
  const signingSeed = random(32)
  const output = evaluateDirectly({ group, input: stretched.accessKey, privateKey: oprfKey })
  const unlock = deriveUnlockKeys(output)
  const encryptedSecret = sealSecret({
    encryptionKey: deriveEncryptionKey(stretched.encryptionKeySeed, keyScalar),
    secret: input.secret,
  })
  const requests = realms.map((realm, place) =>
    createForRealm({
      ...input,
      realmId: realm.id,
      oprfPrivateKey: shareAt(keyShares, place),
      encryptionKeyShare: shareAt(scalarShares, place),
      signingSeed,
      unlock,
      encryptedSecret,
    }),
  )
  wipe(oprfKey, keyScalar, signingSeed, output, unlock.unlockKey)
  return requests
}

function createForRealm(input: {
  readonly group: Group
  readonly version: Uint8Array
  readonly numGuesses: number
  readonly realmId: Uint8Array
  readonly oprfPrivateKey: Uint8Array
  readonly encryptionKeyShare: Uint8Array
  readonly signingSeed: Uint8Array
  readonly unlock: UnlockKeys
  readonly encryptedSecret: Uint8Array
}): Register2Request {
  const { realmId, signingSeed, oprfPrivateKey, encryptionKeyShare, encryptedSecret } = input
  const { unlockKey, commitment } = input.unlock
  const publicKey = input.group.multiplyBase(oprfPrivateKey)
  const share = { encryptionKeyShare, encryptedSecret }
  return {
    kind: 'register2',
    version: input.version,
    registration: {
      oprfPrivateKey,
      signedPublicKey: {
        publicKey,
        verifyingKey: deriveEd25519PublicKey(signingSeed),
        signature: signEd25519({ seed: signingSeed, message: signedMessage(realmId, publicKey) }),
      },
      unlockKeyCommitment: commitment,
      ...share,
      encryptedSecretCommitment: deriveShareCommitment({ unlockKey, realmId, share }),
    },
    unlockKeyTag: deriveUnlockKeyTag(unlockKey, realmId),
    numGuesses: input.numGuesses,
  }
}

function shareAt(shares: readonly IndexedValue[], place: number): Uint8Array {
  const share = shares[place]
  if (share === undefined)
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'realms', expected: 'shares' })
  return share.value
}

/** The two halves of the hashed OPRF output: one to compare, one to unlock with. */
export interface UnlockKeys {
  readonly commitment: Uint8Array
  readonly unlockKey: Uint8Array
}

/** SHA-512 of the OPRF's output, in halves. */
export function deriveUnlockKeys(output: Uint8Array): UnlockKeys {
  const hash = sha512(output)
  return { commitment: hash.slice(0, 32), unlockKey: hash.slice(32, 64) }
}

/** What a realm asks for before it gives its share out. */
export function deriveUnlockKeyTag(unlockKey: Uint8Array, realmId: Uint8Array): Uint8Array {
  return mac({ key: unlockKey, length: 16, parts: ['Unlock Key Tag', realmId] })
}

/** Binds a realm's share and the encrypted secret to the PIN; realms do not know the key. */
export function deriveShareCommitment(input: {
  readonly unlockKey: Uint8Array
  readonly realmId: Uint8Array
  readonly share: Pick<Share, 'encryptionKeyShare' | 'encryptedSecret'>
}): Uint8Array {
  const { encryptionKeyShare, encryptedSecret } = input.share
  return mac({
    key: input.unlockKey,
    length: 16,
    parts: ['Encrypted User Secret Commitment', input.realmId, encryptionKeyShare, encryptedSecret],
  })
}

/** True when the registration's one-time key signed this realm's public key, by strict Ed25519. */
export function verifySignedPublicKey(realmId: Uint8Array, key: SignedPublicKey): boolean {
  return verifyEd25519({
    publicKey: key.verifyingKey,
    message: signedMessage(realmId, key.publicKey),
    signature: key.signature,
  })
}

function signedMessage(realmId: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return concat(be2(realmId.length), realmId, be2(publicKey.length), publicKey)
}

/** Opens the secret with the scalar that the shares give; `ERR_REGISTRATION_DAMAGED` when it does not open. */
export function openRegistration(input: {
  readonly group: Group
  readonly encryptionKeySeed: Uint8Array
  readonly shares: readonly IndexedValue[]
  readonly encryptedSecret: Uint8Array
}): Uint8Array {
  const keyScalar = combineScalars(input.group, input.shares)
  const encryptionKey = deriveEncryptionKey(input.encryptionKeySeed, keyScalar)
  try {
    return unpad(chacha20poly1305(encryptionKey, NONCE).decrypt(input.encryptedSecret))
  } catch {
    throw new KeyhavenError('ERR_REGISTRATION_DAMAGED', undefined)
  } finally {
    wipe(keyScalar, encryptionKey)
  }
}

function sealSecret(input: { readonly encryptionKey: Uint8Array; readonly secret: Uint8Array }): Uint8Array {
  const padded = new Uint8Array(1 + SECRET_LIMIT)
  padded[0] = input.secret.length
  padded.set(input.secret, 1)
  const sealed = chacha20poly1305(input.encryptionKey, NONCE).encrypt(padded)
  wipe(padded, input.encryptionKey)
  return sealed
}

function unpad(padded: Uint8Array): Uint8Array {
  const length = padded[0] ?? 0
  if (padded.length !== 1 + SECRET_LIMIT || length > SECRET_LIMIT) {
    throw new KeyhavenError('ERR_REGISTRATION_DAMAGED', undefined)
  }
  const secret = padded.slice(1, 1 + length)
  wipe(padded)
  return secret
}

function deriveEncryptionKey(encryptionKeySeed: Uint8Array, keyScalar: Uint8Array): Uint8Array {
  return mac({ key: encryptionKeySeed, length: 32, parts: ['User Secret Encryption Key', keyScalar] })
}

function mac(input: {
  readonly key: Uint8Array
  readonly length: number
  readonly parts: readonly (Uint8Array | string)[]
}): Uint8Array {
  return blake2s(concat(...input.parts.map(lp)), { key: input.key, dkLen: input.length })
}
