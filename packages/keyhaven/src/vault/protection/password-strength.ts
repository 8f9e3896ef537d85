/**
 * What to tell a person about the password that he chooses: advice by simple rules, not a proof of strength. NIST SP
 * 800-63B asks for length, not for kinds of characters; a vault can be attacked without any limit of tries, so more is
 * advised than for a sign-in.
 */

const ADVISED_CHARACTERS = 12
const LEAST_DIFFERENT = 5

export interface PasswordRating {
  readonly characters: number
  /** Why it is not advised; undefined when nothing was found against it. */
  readonly weakness: 'short' | 'repeated' | 'sequence' | undefined
}

/** Rates a password. Show it while the person types; nothing is refused by it unless the app asks. */
export function ratePassword(password: string | Uint8Array): PasswordRating {
  const text = typeof password === 'string' ? password : new TextDecoder().decode(password)
  const characters = Array.from(text.normalize('NFKC'))
  return { characters: characters.length, weakness: weaknessOf(characters) }
}

function weaknessOf(characters: readonly string[]): PasswordRating['weakness'] {
  if (characters.length < ADVISED_CHARACTERS) return 'short'
  if (new Set(characters).size < LEAST_DIFFERENT || isRepeatedBlock(characters)) return 'repeated'
  return isMostlyRuns(characters) ? 'sequence' : undefined
}

/** A block of up to half the length, again and again: `passwordpassword`. */
function isRepeatedBlock(characters: readonly string[]): boolean {
  const text = characters.join('')
  return (text + text).indexOf(text, 1) < text.length
}

/** More than two thirds of the steps go one up, one down, or along a row of the keyboard. */
function isMostlyRuns(characters: readonly string[]): boolean {
  const rows = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'qwertzuiop', 'azertyuiop']
  const steps = characters.slice(1).filter((character, index) => {
    const before = (characters[index] ?? '').toLowerCase()
    const now = character.toLowerCase()
    const distance = (now.codePointAt(0) ?? 0) - (before.codePointAt(0) ?? 0)
    const along = rows.some((row) => row.includes(before + now) || row.includes(now + before))
    return Math.abs(distance) === 1 || along || (before === '9' && now === '0')
  })
  return steps.length * 3 > (characters.length - 1) * 2
}
