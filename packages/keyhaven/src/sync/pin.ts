/**
 * The PIN, format 1 (docs/formats.md): what a person types becomes the bytes that the PIN hash takes, the same on
 * every device, keyboard and script; and the rules that a new PIN must keep.
 *
 * The table of digits is frozen with the format (Unicode 17), so that a later Unicode does not change a PIN's bytes.
 * What this does not do: it does not measure strength. Six digits have 20 bits; the realms' guess limit is what
 * protects them.
 */
import { utf8 } from '../crypto/index.ts'
import { KeyhavenError } from '../errors.ts'
import type { KeyhavenErrorDetails } from '../errors.ts'

type Refusal = KeyhavenErrorDetails['ERR_PIN_REFUSED']['reason']

const FEWEST_CODE_POINTS = 6
const MOST_CODE_POINTS = 128

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
 * The bytes of a PIN: NFKC, decimal digits of any script to ASCII, white space dropped at both ends, UTF-8.
 * The caller wipes them. `ERR_PIN_REFUSED` says which rule the PIN breaks: fewer than 6 or more than 128 code
 * points, control characters or lone surrogates, repetition, a run such as 234567 or fedcba.
 */
export function normalizePin(pin: string): Uint8Array {
  const text = Array.from(pin.normalize('NFKC'), asciiDigit).join('').trim()
  const refusal = findRefusal(text)
  if (refusal !== undefined) throw new KeyhavenError('ERR_PIN_REFUSED', { reason: refusal })
  return utf8(text)
}

function asciiDigit(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0
  const zero = DIGIT_ZEROS.find((start) => codePoint >= start && codePoint < start + 10)
  return zero === undefined ? character : String(codePoint - zero)
}

function findRefusal(text: string): Refusal | undefined {
  if (/[\p{Cc}\p{Cs}]/u.test(text)) return 'characters'
  const characters = Array.from(text)
  if (characters.length < FEWEST_CODE_POINTS) return 'too-short'
  if (characters.length > MOST_CODE_POINTS) return 'too-long'
  const folded = Array.from(text.toLowerCase())
  if (folded.every((character, index) => index < 2 || character === folded[index - 2])) return 'repeated'
  if (isRun(folded, 1) || isRun(folded, -1)) return 'sequence'
  return undefined
}

/** Every character follows the one before it: digits, 9 wrapping to 0, or letters. */
function isRun(characters: readonly string[], step: 1 | -1): boolean {
  return characters.every((character, index) => {
    const before = characters[index - 1]
    return before === undefined || follows(before, character, step)
  })
}

function follows(before: string, character: string, step: 1 | -1): boolean {
  if (/^\d\d$/.test(before + character)) return (Number(before) + step + 10) % 10 === Number(character)
  if (!/^\p{L}\p{L}$/u.test(before + character)) return false
  return (before.codePointAt(0) ?? 0) + step === character.codePointAt(0)
}
