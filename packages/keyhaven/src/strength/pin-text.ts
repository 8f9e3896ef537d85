/**
 * The PIN, format 1 (docs/formats.md): what a person types becomes the bytes that the PIN hash takes, the same on
 * every device, keyboard and script.
 *
 * The table of digits is frozen with the format (Unicode 17), so that a later Unicode does not change a PIN's bytes.
 * What this does not do: it does not judge. A PIN that exists is tried whatever today's rules for new ones are
 * (pin-policy.ts); six digits have 20 bits, and the realms' guess limit is what protects them.
 */
import { utf8 } from '../crypto/bytes.ts'
import { KeyhavenError } from '../errors.ts'
import type { PinRefusal } from '../errors.ts'

const FEWEST_CODE_POINTS = 6
const MOST_CODE_POINTS = 128
/** No text of 128 code points comes from more than this; what is longer is not even normalised. */
const MOST_TYPED = 4096

/** The zero of every run of ten decimal digits (Unicode 17, category Nd) that NFKC leaves as it is. */
const DIGIT_ZEROS: readonly number[] = [
  0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
  0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
  0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0,
  0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950,
  0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11de0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1e140,
  0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950,
]

/**
 * The bytes of a PIN: NFKC, decimal digits of any script to ASCII, white space dropped at both ends, UTF-8; at most 512.
 * The caller wipes them. `ERR_PIN_REFUSED` when no PIN looks like this: fewer than 6 or more than 128 code points,
 * control characters or lone surrogates.
 */
export function normalizePin(pin: string): Uint8Array {
  const text = normalizePinText(pin)
  const refusal = findFormRefusal(text)
  if (refusal !== undefined) throw new KeyhavenError('ERR_PIN_REFUSED', { reason: refusal })
  return utf8(text)
}

/** The text of a PIN in its one form, whether that is one or not. */
export function normalizePinText(pin: string): string {
  if (pin.length > MOST_TYPED) return pin
  return Array.from(pin.normalize('NFKC'), asciiDigit).join('').trim()
}

/** Why a normalised text can be no PIN. */
export function findFormRefusal(
  text: string,
): Extract<PinRefusal, 'characters' | 'too-short' | 'too-long'> | undefined {
  if (text.length > MOST_TYPED) return 'too-long'
  if (/[\p{Cc}\p{Cs}]/u.test(text)) return 'characters'
  const { length } = Array.from(text)
  if (length < FEWEST_CODE_POINTS) return 'too-short'
  return length > MOST_CODE_POINTS ? 'too-long' : undefined
}

function asciiDigit(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0
  const zero = DIGIT_ZEROS.find((start) => codePoint >= start && codePoint < start + 10)
  return zero === undefined ? character : String(codePoint - zero)
}
