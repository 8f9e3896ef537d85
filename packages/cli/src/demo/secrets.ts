/** The secrets that people of the demo choose, at random for each run, so that nothing can be prepared for them. */
import { randomInt } from 'node:crypto'
import { findPinRefusal } from 'keyhaven/strength'

/** Eight digits, not six: six digits in a row come up by chance in the hex text of a few hundred kilobytes. */
const PIN_DIGITS = 8
const PASSPHRASE_LENGTH = 16
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'

/** A PIN that the policy takes, and none of `others`. */
export function generatePin(...others: readonly string[]): string {
  for (;;) {
    const pin = Array.from({ length: PIN_DIGITS }, () => String(randomInt(10))).join('')
    if (!others.includes(pin) && findPinRefusal({ pin }) === undefined) return pin
  }
}

/** A passphrase of 16 characters. */
export function generatePassphrase(): string {
  return Array.from({ length: PASSPHRASE_LENGTH }, () => LETTERS[randomInt(LETTERS.length)] ?? 'x').join('')
}
