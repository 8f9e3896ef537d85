/**
 * A slot of the head: the vault key, wrapped under what one protection yields (docs/formats.md, "Vault, format 1").
 *
 * HKDF over the factors' secrets, with the slot's clear part as info, gives a wrapping key that is used once and a
 * 32-byte key commitment. A commitment that differs means other secrets; one that agrees over a ciphertext that does
 * not open means that the slot was altered.
 */
import { openAead, sealAead } from '../crypto/aead.ts'
import { concat, equalConstantTime, lp, parseUtf8, randomBytes, utf8, wipe } from '../crypto/bytes.ts'
import { deriveKeyByPlatform } from '../crypto/platform-hkdf.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { createCursor } from './cursor.ts'
import type { Cursor } from './cursor.ts'
import { FACTOR_TYPES } from './protection.ts'
import type { FactorType } from './protection.ts'

export const SLOT_ID_LENGTH = 16
const COMMITMENT_LENGTH = 32
const NONCE_LENGTH = 12
const WRAPPED_LENGTH = 48
const MOST_FACTORS = 3
const MOST_LABEL_BYTES = 64
const MOST_PARAMETER_BYTES = 4096

/** One factor as it is stored: its kind, and parameters that only that kind understands. */
export interface StoredFactor {
  readonly type: FactorType
  readonly parameters: Uint8Array
}

/** A slot as it is stored. */
export interface Slot {
  readonly id: Uint8Array
  readonly label: string
  readonly factors: readonly StoredFactor[]
  readonly commitment: Uint8Array
  readonly nonce: Uint8Array
  readonly wrapped: Uint8Array
}

type SlotFace = Pick<Slot, 'id' | 'label' | 'factors'>

/** Wraps the vault key under the factors' secrets, in the slot's order of factors. */
export async function wrapVaultKey(input: {
  readonly vaultId: Uint8Array
  readonly vaultKey: Uint8Array
  readonly face: SlotFace
  readonly secrets: readonly Uint8Array[]
}): Promise<Slot> {
  const derived = await deriveWrapping(input)
  const nonce = randomBytes(NONCE_LENGTH)
  const commitment = derived.slice(32)
  const key = derived.subarray(0, 32)
  try {
    const associatedData = bindWrapped(input.vaultId, input.face, commitment)
    const wrapped = await sealAead({ key, nonce, associatedData }, input.vaultKey)
    return { ...input.face, commitment, nonce, wrapped }
  } finally {
    wipe(derived)
  }
}

/** The vault key; `undefined` when the secrets are others. `ERR_VAULT_TAMPERED` when the slot was altered. */
export async function unwrapVaultKey(input: {
  readonly vaultId: Uint8Array
  readonly slot: Slot
  readonly secrets: readonly Uint8Array[]
}): Promise<Uint8Array | undefined> {
  const { slot, vaultId } = input
  const derived = await deriveWrapping({ vaultId, face: slot, secrets: input.secrets })
  try {
    if (!equalConstantTime(derived.subarray(32), slot.commitment)) return undefined
    const associatedData = bindWrapped(vaultId, slot, slot.commitment)
    return await openAead({ key: derived.subarray(0, 32), nonce: slot.nonce, associatedData }, slot.wrapped)
  } catch (error) {
    if (!isKeyhavenError(error, 'ERR_ENVELOPE_REJECTED')) throw error
    throw new KeyhavenError('ERR_VAULT_TAMPERED', undefined)
  } finally {
    wipe(derived)
  }
}

async function deriveWrapping(input: {
  readonly vaultId: Uint8Array
  readonly face: SlotFace
  readonly secrets: readonly Uint8Array[]
}): Promise<Uint8Array> {
  const secret = concat(...input.secrets.map(lp))
  const info = concat(lp('keyhaven/vault/slot/v1'), lp(input.vaultId), lp(encodeFace(input.face)))
  try {
    return await deriveKeyByPlatform({ secret, info, length: 64 })
  } finally {
    wipe(secret)
  }
}

function bindWrapped(vaultId: Uint8Array, face: SlotFace, commitment: Uint8Array): Uint8Array {
  return concat(lp('keyhaven/vault/wrapped/v1'), lp(vaultId), lp(encodeFace(face)), lp(commitment))
}

function encodeFace(face: SlotFace): Uint8Array {
  const factors = face.factors.map(({ type, parameters }) =>
    concat(Uint8Array.of(FACTOR_TYPES[type]), lp(parameters)),
  )
  return concat(face.id, lp(face.label), Uint8Array.of(factors.length), ...factors)
}

/** The stored bytes of a slot. */
export function encodeSlot(slot: Slot): Uint8Array {
  return concat(encodeFace(slot), slot.commitment, slot.nonce, slot.wrapped)
}

/** Reads a slot; `ERR_ENVELOPE_MALFORMED` for what is none. */
export function parseSlot(bytes: Uint8Array): Slot {
  const cursor = createCursor(bytes)
  const id = cursor.take(SLOT_ID_LENGTH)
  const label = parseLabel(cursor.prefixed())
  const factors = parseFactors(cursor)
  const commitment = cursor.take(COMMITMENT_LENGTH)
  const nonce = cursor.take(NONCE_LENGTH)
  const wrapped = cursor.take(WRAPPED_LENGTH)
  cursor.end()
  return { id, label, factors, commitment, nonce, wrapped }
}

function parseFactors(cursor: Cursor): readonly StoredFactor[] {
  const count = cursor.integer(1)
  if (count < 1 || count > MOST_FACTORS) throw malformed()
  return Array.from({ length: count }, () => {
    const type = factorType(cursor.integer(1))
    const parameters = cursor.prefixed()
    if (parameters.length > MOST_PARAMETER_BYTES) throw malformed()
    return { type, parameters }
  })
}

function factorType(byte: number): FactorType {
  const found = (Object.keys(FACTOR_TYPES) as FactorType[]).find((type) => FACTOR_TYPES[type] === byte)
  if (found === undefined) throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'version' })
  return found
}

function parseLabel(bytes: Uint8Array): string {
  if (bytes.length > MOST_LABEL_BYTES) throw malformed()
  return parseUtf8(bytes)
}

/** Refuses a label that does not fit a slot. */
export function requireLabel(label: string): string {
  if (/[\p{Cc}\p{Cs}]/u.test(label) || utf8(label).length > MOST_LABEL_BYTES) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'label', expected: 'at most 64 bytes of UTF-8' })
  }
  return label
}

function malformed(): KeyhavenError {
  return new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'parameters' })
}
