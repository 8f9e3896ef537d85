/**
 * A recovery code: 130 random bits as 26 characters that can be read aloud, and two check characters, in seven groups of
 * four. Its way in is derived from it, so nothing but the person has it, and it is shown once.
 *
 * The alphabet is Crockford's base32: no I, L, O, U. Reading takes small letters, any spaces and hyphens, and O, I and L
 * for 0, 1 and 1. The check is a Reed-Solomon code over GF(32) (x^5 + x^2 + 1) with the roots 1 and α: every one or two
 * wrong characters, and every two that changed places, are noticed.
 */
import { concat, deriveKey, lp, randomBytes, utf8 } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const DATA_LENGTH = 26
const CODE_LENGTH = 28
const GROUP = 4
/** Typed text of more characters is none. */
const MOST_TYPED = 128

/** A new code, such as `7K3M-…`, 34 characters with the hyphens. */
export function generateRecoveryCode(): string {
  const data = Array.from(randomBytes(DATA_LENGTH), (byte) => byte & 31)
  const text = [...data, ...checkOf(data)].map((symbol) => ALPHABET.charAt(symbol)).join('')
  return (text.match(new RegExp(`.{${String(GROUP)}}`, 'g')) ?? []).join('-')
}

/**
 * The 28 characters of a code as a person typed it. `ERR_RECOVERY_CODE_INVALID` says whether its characters, their number
 * or the check are wrong.
 */
export function parseRecoveryCode(typed: string): string {
  if (typed.length > MOST_TYPED) throw invalid('length')
  const text = typed
    .normalize('NFKC')
    .replace(/[\s\p{Pd}]/gu, '')
    .toUpperCase()
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1')
  const symbols = Array.from(text, (character) => ALPHABET.indexOf(character))
  if (symbols.includes(-1)) throw invalid('characters')
  if (symbols.length !== CODE_LENGTH) throw invalid('length')
  const check = checkOf(symbols.slice(0, DATA_LENGTH))
  if (check.some((symbol, at) => symbol !== symbols[DATA_LENGTH + at])) throw invalid('check')
  return text
}

/** The seed (32 bytes) of a code's way in, for one account (16 bytes): docs/formats.md, "Recovery code, format 1". */
export function deriveRecoveryCodeSeed(code: string, account: Uint8Array): Uint8Array {
  const secret = utf8(parseRecoveryCode(code))
  return deriveKey({ secret, info: concat(lp('keyhaven/recovery-code/v1'), lp(account)) })
}

/** The remainder of the data times x² after division by (x + 1)(x + α) = x² + 3x + 2. */
function checkOf(data: readonly number[]): readonly [number, number] {
  let high = 0
  let low = 0
  for (const symbol of data) {
    const factor = symbol ^ high
    high = low ^ factor ^ timesAlpha(factor)
    low = timesAlpha(factor)
  }
  return [high, low]
}

function timesAlpha(symbol: number): number {
  return ((symbol << 1) ^ (symbol & 16 ? 0b100101 : 0)) & 31
}

function invalid(problem: 'characters' | 'length' | 'check'): KeyhavenError {
  return new KeyhavenError('ERR_RECOVERY_CODE_INVALID', { problem })
}
