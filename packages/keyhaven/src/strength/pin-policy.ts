/**
 * The rules for a new PIN. They are no part of the PIN's format: they may change, and never judge a PIN that is in use.
 *
 * NIST SP 800-63B (5.1.1.2): refuse what is commonly used or expected, without a list so large that it frustrates,
 * because guesses are limited anyway. All rules together refuse less than a tenth of all six-digit PINs, which is where
 * Markert et al. ("This PIN Can Be Easily Guessed", 2020) found a longer list of little use; nine tenths of it are dates.
 */
import { KeyhavenError } from '../errors.ts'
import type { PinRefusal } from '../errors.ts'
import { COMMON_SECRETS } from './common-secrets.ts'
import { isDate } from './pin-dates.ts'
import { isRepeated, isSequence } from './pin-patterns.ts'
import { findFormRefusal, normalizePinText } from './pin-text.ts'

/** Every word that {@link findPinRefusal} may answer, for an app that translates them. */
export const PIN_REFUSALS: readonly PinRefusal[] = [
  'too-short',
  'too-long',
  'characters',
  'repeated',
  'sequence',
  'common',
  'date',
  'phone-number',
]

export interface NewPin {
  /** As typed. */
  readonly pin: string
  /** The account's phone number: its parts are refused. */
  readonly phone?: string | undefined
}

/** Why a new PIN is refused, while it is typed or before it is used; `undefined` when nothing is against it. */
export function findPinRefusal({ pin, phone }: NewPin): PinRefusal | undefined {
  const text = normalizePinText(pin)
  const form = findFormRefusal(text)
  if (form !== undefined) return form
  const digits = /^\+?\d(?:[ ./-]?\d)*$/.test(text) ? text.replaceAll(/\D/g, '') : undefined
  const plain = digits ?? text
  if (isRepeated(plain)) return 'repeated'
  if (isSequence(plain)) return 'sequence'
  if (COMMON_SECRETS.includes(plain.toLowerCase())) return 'common'
  if (digits === undefined) return undefined
  if (isDate(digits)) return 'date'
  return phone !== undefined && isPartOfPhone(digits, phone) ? 'phone-number' : undefined
}

/** `ERR_PIN_REFUSED` for a PIN that {@link findPinRefusal} refuses. */
export function requireNewPin(input: NewPin): void {
  const reason = findPinRefusal(input)
  if (reason !== undefined) throw new KeyhavenError('ERR_PIN_REFUSED', { reason })
}

/** A run of the number's digits, forwards or backwards; with zeros before it, as it is dialled at home, too. */
function isPartOfPhone(digits: string, phone: string): boolean {
  const number = phone.replaceAll(/\D/g, '')
  const backwards = Array.from(number).reverse().join('')
  const dialled = digits.replace(/^0{1,2}/, '')
  return [digits, ...(dialled.length >= 6 ? [dialled] : [])].some(
    (run) => number.includes(run) || backwards.includes(run),
  )
}
