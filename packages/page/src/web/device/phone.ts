/** Phone numbers as people type them. */
import { KeyhavenError } from 'keyhaven'
import {
  AsYouType,
  getCountries,
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/min'

/** E.164, or `ERR_PHONE_INVALID`. */
export function readPhone(text: string, country: string): string {
  const parsed = parsePhoneNumberFromString(text, isSupportedCountry(country) ? country : 'US')
  if (parsed?.isPossible() !== true) throw new KeyhavenError('ERR_PHONE_INVALID', undefined)
  return parsed.number
}

export function formatAsTyped(text: string, country: string): string {
  // What ends with a sign that the format puts there could never be deleted.
  if (/[^\d]$/.test(text)) return text
  return new AsYouType(isSupportedCountry(country) ? country : 'US').input(text)
}

export function listCountries(): readonly { readonly code: string; readonly name: string }[] {
  const names = new Intl.DisplayNames(document.documentElement.lang, { type: 'region' })
  return getCountries()
    .map((code) => ({ code, name: `${names.of(code) ?? code} (+${getCountryCallingCode(code)})` }))
    .sort((left, right) => left.name.localeCompare(right.name))
}
