/**
 * A person's own identity, made by us: X25519 and ML-KEM-768 (X-Wing) to agree, Ed25519 and ML-DSA-65 to sign, so that
 * one of each pair broken is not enough (docs/formats.md, "Private identity, format 1").
 */
import { concat, randomBytes, wipe } from '../crypto/bytes.ts'
import { deriveEd25519PublicKey } from '../crypto/ed25519.ts'
import { loadXWing } from '../crypto/load-x-wing.ts'
import { KeyhavenError } from '../errors.ts'
import { createCursor } from '../vault/cursor.ts'
import { loadMlDsa } from './load-ml-dsa.ts'
import { writePublicIdentity } from './public-identity.ts'
import type { PublicIdentity } from './public-identity.ts'

export const PRIVATE_IDENTITY_LENGTH = 97
const FORMAT = 1
const SEED_LENGTH = 32

/** Three seeds of 32 bytes, and what others may know. */
export interface Identity {
  readonly xWingSeed: Uint8Array
  readonly ed25519Seed: Uint8Array
  readonly mlDsa65Seed: Uint8Array
  readonly publicIdentity: PublicIdentity
}

/** A fresh identity. Keep `writeIdentity` of it under a name in the key store, and its backup has it, too. */
export async function generateIdentity(): Promise<Identity> {
  return fromSeeds(randomBytes(SEED_LENGTH), randomBytes(SEED_LENGTH), randomBytes(SEED_LENGTH))
}

/** The private form, 97 bytes that are as secret as the identity. The caller wipes them. */
export function writeIdentity(identity: Identity): Uint8Array {
  return concat(Uint8Array.of(FORMAT), identity.xWingSeed, identity.ed25519Seed, identity.mlDsa65Seed)
}

/** Reads a private form; `ERR_ENVELOPE_MALFORMED` for another length or version. */
export async function parseIdentity(bytes: Uint8Array): Promise<Identity> {
  const cursor = createCursor(bytes)
  if (cursor.integer(1) !== FORMAT) throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'version' })
  const [xWingSeed, ed25519Seed, mlDsa65Seed] = [1, 2, 3].map(() => cursor.take(SEED_LENGTH))
  cursor.end()
  if (xWingSeed === undefined || ed25519Seed === undefined || mlDsa65Seed === undefined) {
    throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'length' })
  }
  return fromSeeds(xWingSeed.slice(), ed25519Seed.slice(), mlDsa65Seed.slice())
}

/** Overwrites the seeds; the identity can do nothing after that. */
export function wipeIdentity(identity: Identity): void {
  wipe(identity.xWingSeed, identity.ed25519Seed, identity.mlDsa65Seed)
}

async function fromSeeds(
  xWingSeed: Uint8Array,
  ed25519Seed: Uint8Array,
  mlDsa65Seed: Uint8Array,
): Promise<Identity> {
  const [{ deriveXWingPublicKey }, { deriveMlDsa65PublicKey }] = await Promise.all([loadXWing(), loadMlDsa()])
  const publicIdentity = writePublicIdentity({
    xWing: deriveXWingPublicKey(xWingSeed),
    ed25519: deriveEd25519PublicKey(ed25519Seed),
    mlDsa65: deriveMlDsa65PublicKey(mlDsa65Seed),
  })
  return { xWingSeed, ed25519Seed, mlDsa65Seed, publicIdentity }
}
