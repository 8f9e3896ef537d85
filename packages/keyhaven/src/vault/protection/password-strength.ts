/**
 * What to tell a person about the password that he chooses: advice by simple rules and by an estimate, not a proof of
 * strength. NIST SP 800-63B asks for length, not for kinds of characters; a vault can be attacked without any limit of
 * tries, so more is advised than for a sign-in.
 */
import { estimateGuessesLog10 } from '../../strength/estimate-guesses.ts'

const ADVISED_CHARACTERS = 12
const LEAST_DIFFERENT = 5
/**
 * Argon2id over 64 MiB in 3 passes moves 0.4 GB, and a consumer graphics card 1 TB in a second: 2,500 guesses. It needs 46
 * days for these.
 */
const ADVISED_GUESSES_LOG10 = 10

export interface PasswordRating {
  readonly characters: number
  /** Why it is not advised; undefined when nothing was found against it. */
  readonly weakness: 'short' | 'repeated' | 'sequence' | undefined
}

export interface PasswordEstimate {
  readonly characters: number
  /** The base-10 logarithm of how many guesses find it: an estimate from above. */
  readonly guessesLog10: number
  /** As of {@link PasswordRating}; `guessable` when fewer than 10^10 guesses find it. */
  readonly weakness: PasswordRating['weakness'] | 'guessable'
}

/** As {@link ratePassword}, with an estimate of guesses. Loads some 35 kB gzipped when it is first called. */
export async function estimatePassword(password: string | Uint8Array): Promise<PasswordEstimate> {
  const text = typeof password === 'string' ? password : new TextDecoder().decode(password)
  const { characters, weakness } = ratePassword(text)
  const guessesLog10 = await estimateGuessesLog10(text)
  const guessable = guessesLog10 < ADVISED_GUESSES_LOG10 ? 'guessable' : undefined
  return { characters, guessesLog10, weakness: weakness ?? guessable }
}

/** Rates a password at once. Show it while the person types; nothing is refused by it unless the app asks. */
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
