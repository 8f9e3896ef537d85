/** The small set of primitives that the other rooms share. Hazardous alone: prefer `keyhaven/vault` and `keyhaven/sync`. */
export {
  AEAD_KEY_LENGTH,
  AEAD_NONCE_LENGTH,
  AEAD_TAG_LENGTH,
  importAeadKey,
  openAead,
  sealAead,
} from './aead.ts'
export type { AeadInput } from './aead.ts'
export { loadArgon2id, loadArgon2idNamed } from './argon2.ts'
export type { Argon2id, Argon2idInput, Argon2idName } from './argon2.ts'
export { loadScrypt } from './scrypt.ts'
export type { Scrypt, ScryptInput } from './scrypt.ts'
export {
  be2,
  be4,
  be8,
  concat,
  equal,
  equalConstantTime,
  lp,
  parseUtf8,
  randomBytes,
  utf8,
  wipe,
} from './bytes.ts'
export { deriveEd25519PublicKey, signEd25519, verifyEd25519 } from './ed25519.ts'
export { deriveKey, sha256 } from './hkdf.ts'
export {
  XWING_CIPHERTEXT_LENGTH,
  XWING_PUBLIC_KEY_LENGTH,
  XWING_SEED_LENGTH,
  loadXWing,
} from './load-x-wing.ts'
export { parseBase64, parseBase64Url, parseHex, toBase64, toBase64Url, toHex } from './text.ts'
