/**
 * Digits that read as a day or a month: who knows a person knows such days, and tries them first.
 */

const OLDEST_YEAR = 1900
const NEWEST_YEAR = 2099
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

type Part = 'day' | 'month' | 'year' | 'short-year'

/** In the order in which people write them; a year has two digits or four. */
const ORDERS: Readonly<Record<number, readonly (readonly Part[])[]>> = {
  6: [
    ['day', 'month', 'short-year'],
    ['month', 'day', 'short-year'],
    ['short-year', 'month', 'day'],
    ['year', 'month'],
    ['month', 'year'],
  ],
  8: [
    ['day', 'month', 'year'],
    ['month', 'day', 'year'],
    ['year', 'month', 'day'],
    ['year', 'year'],
  ],
}

/** Whether 6 or 8 digits read as a date, a month with its year, or two years. */
export function isDate(digits: string): boolean {
  return (ORDERS[digits.length] ?? []).some((order) => reads(digits, order))
}

function reads(digits: string, order: readonly Part[]): boolean {
  let offset = 0
  let day = 1
  let month = 1
  for (const part of order) {
    const length = part === 'year' ? 4 : 2
    const value = Number(digits.slice(offset, offset + length))
    offset += length
    if (part === 'year' && (value < OLDEST_YEAR || value > NEWEST_YEAR)) return false
    if (part === 'day') day = value
    if (part === 'month') month = value
  }
  return day >= 1 && day <= (DAYS[month - 1] ?? 0)
}
