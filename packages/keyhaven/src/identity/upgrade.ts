/**
 * A new identity, vouched for by the one that its owner had before: a classical one (a Nostr key, an Ed25519 key, an
 * app's own) becomes a hybrid one, or a hybrid one is replaced (docs/formats.md, "Identity upgrade, format 1").
 *
 * The old key signs the new identity, and the new identity signs the old key, so that nobody can vouch for an identity
 * that is not his. What this does not do: whoever stole the old key can do the same. Contacts see a change, not a proof
 * of who made it.
 */
import { concat, lp, parseUtf8 } from '../crypto/bytes.ts'
import { verifyEd25519 } from '../crypto/ed25519.ts'
import { sha256 } from '../crypto/hkdf.ts'
import { KeyhavenError } from '../errors.ts'
import { loadModule } from '../load-module.ts'
import { createCursor } from '../vault/cursor.ts'
import type { Identity } from './identity.ts'
import { PUBLIC_IDENTITY_LENGTH, parsePublicIdentity } from './public-identity.ts'
import type { PublicIdentity } from './public-identity.ts'
import { SIGNATURE_LENGTH, signHybrid, verifyHybrid } from './signature.ts'

const FORMAT = 1
const PURPOSE = 'keyhaven/identity-upgrade/v1'
const MOST_TYPE_BYTES = 64
const MOST_KEY_BYTES = 16_384

/** A public key that was somebody's identity before. `type`: `ed25519`, `nostr`, `keyhaven` (a public identity), or an app's own word. */
export interface OldIdentity {
  readonly type: string
  readonly publicKey: Uint8Array
}

export interface IdentityUpgrade {
  readonly old: OldIdentity
  readonly identity: PublicIdentity
}

/** A signature of 32 bytes that an app is asked to judge. */
export interface Vouching {
  readonly old: OldIdentity
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/** The fingerprint under which an old identity is pinned: 32 bytes; for `keyhaven` that of the public identity. */
export function deriveOldFingerprint({ type, publicKey }: OldIdentity): Uint8Array {
  if (type === 'keyhaven') return parsePublicIdentity(publicKey).fingerprint
  return sha256(concat(lp('keyhaven/old-identity/v1'), lp(type), lp(publicKey)))
}

/**
 * Vouches for `identity` with the old key. `sign` gets 32 bytes, the SHA-256 of what is vouched for, and answers that
 * key's signature of them: for `keyhaven` {@link signWithIdentity}, for `nostr` the vault's `schnorr-sign`.
 */
export async function signIdentityUpgrade(input: {
  readonly identity: Identity
  readonly old: OldIdentity & { readonly sign: (message: Uint8Array) => Promise<Uint8Array> }
}): Promise<Uint8Array> {
  const { identity, old } = input
  const claim = writeClaim({ old, identity: identity.publicIdentity })
  const signature = await old.sign(digestOf(claim, 'old'))
  const back = await signHybrid(identity, digestOf(claim, 'new'))
  const statement = concat(claim, lp(signature), back)
  parseStatement(statement)
  return statement
}

/** The signature of 32 bytes that {@link signIdentityUpgrade} asks of a hybrid identity that is to be replaced. */
export async function signWithIdentity(identity: Identity, message: Uint8Array): Promise<Uint8Array> {
  return signHybrid(identity, message)
}

/**
 * Which identity takes the place of which. `verify` is asked for types of the app's own; without it those are rejected.
 * `ERR_ENVELOPE_MALFORMED` for what is no statement, `ERR_ENVELOPE_REJECTED` when a signature is not good.
 */
export async function verifyIdentityUpgrade(input: {
  readonly statement: Uint8Array
  readonly verify?: (claim: Vouching) => boolean | Promise<boolean>
}): Promise<IdentityUpgrade> {
  const { claim, old, identity, signature, back } = parseStatement(input.statement.slice())
  const message = digestOf(claim, 'old')
  const vouched = await verifyOld({ old, message, signature }, input.verify)
  const confirmed = await verifyHybrid({
    publicIdentity: identity,
    message: digestOf(claim, 'new'),
    signature: back,
  })
  if (!vouched || !confirmed) throw new KeyhavenError('ERR_ENVELOPE_REJECTED', undefined)
  return { old, identity }
}

async function verifyOld(
  { old, message, signature }: Vouching,
  verify: ((claim: Vouching) => boolean | Promise<boolean>) | undefined,
): Promise<boolean> {
  const { publicKey } = old
  if (old.type === 'ed25519') return verifyEd25519({ publicKey, message, signature })
  if (old.type === 'nostr')
    return (await loadModule(import('../crypto/schnorr.ts'))).verifySchnorr({ publicKey, message, signature })
  if (old.type === 'keyhaven') {
    return verifyHybrid({ publicIdentity: parsePublicIdentity(publicKey), message, signature })
  }
  return verify !== undefined && (await verify({ old, message, signature }))
}

function writeClaim({ old, identity }: IdentityUpgrade): Uint8Array {
  return concat(Uint8Array.of(FORMAT), lp(old.type), lp(old.publicKey), identity.bytes)
}

function digestOf(claim: Uint8Array, by: 'old' | 'new'): Uint8Array {
  return sha256(concat(lp(`${PURPOSE}/${by}`), lp(claim)))
}

function parseStatement(bytes: Uint8Array): IdentityUpgrade & {
  readonly claim: Uint8Array
  readonly signature: Uint8Array
  readonly back: Uint8Array
} {
  const cursor = createCursor(bytes)
  if (cursor.integer(1) !== FORMAT) throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'version' })
  const type = parseUtf8(cursor.prefixed())
  const publicKey = cursor.prefixed()
  const identity = parsePublicIdentity(cursor.take(PUBLIC_IDENTITY_LENGTH))
  const claim = bytes.subarray(0, cursor.position())
  const signature = cursor.prefixed()
  const back = cursor.take(SIGNATURE_LENGTH)
  cursor.end()
  const sizes = [publicKey, signature].every(({ length }) => length >= 1 && length <= MOST_KEY_BYTES)
  if (!sizes || type.length < 1 || type.length > MOST_TYPE_BYTES || !/^[\x21-\x7e]+$/.test(type)) {
    throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'parameters' })
  }
  return { old: { type, publicKey }, identity, claim, signature, back }
}
