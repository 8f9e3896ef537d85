/**
 * Sixty digits that two people see alike when each has the other's true identity, to be read out or compared on paper.
 *
 * Twelve groups of five: 199 bits, so somebody between them, who must find two identities that give one number, has
 * 2^99 tries before him.
 */
import { concat, equal, lp } from '../crypto/bytes.ts'
import { deriveDigits } from '../crypto/digits.ts'
import { KeyhavenError } from '../errors.ts'
import { FINGERPRINT_LENGTH } from './public-identity.ts'

const GROUPS = 12

/**
 * The number of two people, the same from either side: 12 groups of 5 digits with blanks between them. Each is a
 * fingerprint of 32 bytes; `ERR_INPUT_INVALID` for another length, or twice the same.
 */
export function deriveSafetyNumber(one: Uint8Array, other: Uint8Array): string {
  if (one.length !== FINGERPRINT_LENGTH || other.length !== FINGERPRINT_LENGTH || equal(one, other)) {
    throw new KeyhavenError('ERR_INPUT_INVALID', {
      field: 'fingerprint',
      expected: 'two different ones of 32 bytes',
    })
  }
  const [lower, higher] = isBelow(one, other) ? [one, other] : [other, one]
  const info = lp('keyhaven/safety-number/v1')
  return deriveDigits({ secret: concat(lower, higher), info, groups: GROUPS })
}

function isBelow(one: Uint8Array, other: Uint8Array): boolean {
  const index = one.findIndex((byte, place) => byte !== other[place])
  return (one[index] ?? 0) < (other[index] ?? 0)
}
