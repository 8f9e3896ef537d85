/**
 * The word of a level, format 1 (docs/formats.md): what a person types becomes what the server finds the level by. It protects
 * no key. Whoever does not know it cannot ask whether there is such a level, as long as it is not the same for everybody.
 */
import { concat, lp, utf8 } from '../../crypto/bytes.ts'
import { sha256 } from '../../crypto/hkdf.ts'
import { toHex } from '../../crypto/text.ts'
import { KeyhavenError } from '../../errors.ts'
import { isShortText } from '../../crypto/text.ts'

/**
 * The level that a word names, 64 hex digits, for `requestSignInCode` and `signIn`. NFKC, lower case and without white space at
 * both ends, so that a keyboard's capital makes no other level. `ERR_INPUT_INVALID` unless 1 to 64 characters are left, none of
 * them a control character.
 */
export function deriveLevel(word: string): string {
  const text = word.normalize('NFKC').trim().toLowerCase()
  if (!isShortText(text)) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'word', expected: '1 to 64 characters' })
  }
  return toHex(sha256(concat(lp('keyhaven/level/v1'), lp(utf8(text)))))
}
