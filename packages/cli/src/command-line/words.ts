/** Counts and sizes as people read them. */

/** "4 identity keys and 1,000 conversation keys". */
export function describeCounts(counts: {
  readonly identityKeys: number
  readonly conversationKeys: number
}): string {
  const identity = describeCount(counts.identityKeys, 'identity key')
  return `${identity} and ${describeCount(counts.conversationKeys, 'conversation key')}`
}

/** "1 key", "2,000 keys"; the noun is given in the singular. */
export function describeCount(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

/** "1 guess is left", "9 guesses are left". */
export function describeGuesses(count: number): string {
  return count === 1 ? '1 guess is left' : `${String(count)} guesses are left`
}

/** "820 bytes", "61.0 MB". */
export function describeBytes(bytes: number): string {
  if (bytes < 1000) return describeCount(bytes, 'byte')
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** "0.42 s". */
export function describeMilliseconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}

/** "on 3 December 2026 at 14:05 UTC" for an ISO 8601 time, rounded up to the minute: then it is not too early. */
export function describeMoment(time: string): string {
  const moment = new Date(Math.ceil(Date.parse(time) / 60_000) * 60_000)
  const day = moment.toLocaleDateString('en-GB', {
    timeZone: 'UTC',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  })
  return `on ${day} at ${moment.toISOString().slice(11, 16)} UTC`
}

/** A paragraph about identities that have two different keys; nothing when there are none. */
export function describeConflicts(names: readonly string[]): string {
  if (names.length === 0) return ''
  const list = names.map((name) => JSON.stringify(name)).join(', ')
  return `\nTwo different identity keys have the name ${list}; both are kept, and the one that was here stays in use.`
}

/** A name that could play tricks with the terminal is shown quoted. */
export function printable(name: string): string {
  return /^[\p{L}\p{N}\p{P}\p{S}\p{M} ]+$/u.test(name) ? name : JSON.stringify(name)
}

/** "2026-11-27 23:03:31": an ISO 8601 time in the time zone of this machine. */
export function describeTime(iso: string): string {
  const time = new Date(iso)
  const two = (value: number): string => String(value).padStart(2, '0')
  const date = `${String(time.getFullYear())}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
}

/** Rows of cells as lines, each column as wide as its widest cell; a column of numbers is set to the right. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  )
  const align = (cell: string, at: number): string =>
    /^\d+$/.test(cell) && at === 0 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)
  return rows.map((row) => `  ${row.map(align).join('  ')}`.trimEnd())
}
