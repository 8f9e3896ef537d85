/**
 * Phone numbers: parsed to E.164, found by a keyed hash, kept sealed. The clear number is in no table and no log.
 *
 * A number counts as one when it is possible in its country's numbering plan: plans grow faster than their
 * descriptions, and a number that does not exist just never gets its code.
 */
import { createHmac } from 'node:crypto'
import { parsePhoneNumberFromString } from 'libphonenumber-js/max'
import { concat, lp, openAead, parseHex, parseUtf8, randomBytes, sealAead, utf8 } from 'keyhaven/crypto'
import { Refusal } from '../http/refusal.ts'

const NONCE_LENGTH = 12

/** E.164 of a number that is written with its country code, `+` first; else `ERR_PHONE_INVALID`. */
export function parsePhone(text: string): string {
  const trimmed = text.trim()
  const number = trimmed.startsWith('+') ? parsePhoneNumberFromString(trimmed, { extract: false }) : undefined
  if (number?.isPossible() !== true || number.ext !== undefined) throw new Refusal('ERR_PHONE_INVALID')
  return number.number
}

/** 32 bytes, HMAC-SHA-256 under the phone-hash key: the number itself, for limits; and the account that a number finds. */
export function hashPhone(phone: string, phoneHashKey: Uint8Array): Uint8Array {
  return createHmac('sha256', phoneHashKey).update(phone, 'utf8').digest()
}

/** A number in E.164 and, of an account that is another level of a person's, that level: 64 hex digits. */
export interface AccountPlace {
  readonly phone: string
  readonly level?: string | undefined
}

/** 32 bytes: finds an account. Without the key nobody can tell which hashes are of one number. */
export function hashPlace({ phone, level }: AccountPlace, phoneHashKey: Uint8Array): Uint8Array {
  if (level === undefined) return hashPhone(phone, phoneHashKey)
  // A number begins with `+`, so that no number's hash is that of a level.
  const place = concat(lp('keyhaven/level-place/v1'), lp(parseHex(level, 'level', 32)), lp(phone))
  return createHmac('sha256', phoneHashKey).update(place).digest()
}

/** `nonce (12) ‖ AES-256-GCM(number)`, bound to the account. */
export async function sealPhone(input: {
  readonly phone: string
  readonly accountId: string
  readonly phoneSealKey: Uint8Array
}): Promise<Uint8Array> {
  const nonce = randomBytes(NONCE_LENGTH)
  const aead = { key: input.phoneSealKey, nonce, associatedData: sealContext(input.accountId) }
  return concat(nonce, await sealAead(aead, utf8(input.phone)))
}

/** The number of {@link sealPhone}; `ERR_ENVELOPE_REJECTED` under another key or for another account. */
export async function openPhone(input: {
  readonly sealed: Uint8Array
  readonly accountId: string
  readonly phoneSealKey: Uint8Array
}): Promise<string> {
  const nonce = input.sealed.subarray(0, NONCE_LENGTH)
  const aead = { key: input.phoneSealKey, nonce, associatedData: sealContext(input.accountId) }
  return parseUtf8(await openAead(aead, input.sealed.subarray(NONCE_LENGTH)))
}

/** A number with its middle hidden, for the console: `+1555…67`. */
export function maskPhone(phone: string): string {
  return phone.length < 9 ? `${phone.slice(0, 2)}…` : `${phone.slice(0, 5)}…${phone.slice(-2)}`
}

function sealContext(accountId: string): Uint8Array {
  return concat(lp('keyhaven/phone/v1'), lp(accountId))
}
