/**
 * How many guesses a text withstands, by zxcvbn with the commonest secrets, the EFF's word list and keyboards. Some 35 kB
 * gzipped and loaded when it is first asked: `estimatePin` and a meter for passwords both come here.
 *
 * It is an estimate from above. What it does not know (words of other languages, names, whatever is said of the person
 * elsewhere) it takes for chance, and people are less random than that.
 */
import { loadModule } from '../load-module.ts'
import { COMMON_SECRETS } from './common-secrets.ts'

/** What is longer is judged by its beginning: the estimate's work grows with the square of the length. */
const MOST_CHARACTERS = 64
/** A word of any language: spell checkers know some 80,000. */
const WORD_LOG10 = 4.9
const LONGEST_WORD = 14

type Check = (text: string) => number

let loaded: Promise<Check> | undefined

/** The base-10 logarithm of how many guesses find `text`, at least 0. */
export async function estimateGuessesLog10(text: string): Promise<number> {
  loaded ??= loadCheck().catch((error: unknown) => {
    loaded = undefined
    throw error
  })
  const check = await loaded
  const judged = Array.from(text.normalize('NFKC')).slice(0, MOST_CHARACTERS).join('')
  return Math.max(0, Math.min(check(judged), boundByDigits(judged), boundByWords(judged, check)))
}

async function loadCheck(): Promise<Check> {
  const { ZxcvbnFactory, adjacencyGraphs, diceware } = await loadModule(import('./zxcvbn.ts'))
  const zxcvbn = new ZxcvbnFactory({
    dictionary: { common: [...COMMON_SECRETS], diceware },
    graphs: adjacencyGraphs,
  })
  return (text) => zxcvbn.check(text).guessesLog10
}

/** Digits alone are at most as many as there are. */
function boundByDigits(text: string): number {
  return /^\d+$/.test(text) ? text.length : Infinity
}

/** Words between blanks or signs are words, whatever their language, however random their letters look. */
function boundByWords(text: string, check: Check): number {
  const parts = text.split(/([^\p{L}\p{M}]+)/u).filter((part) => part !== '')
  const words = parts.filter(isWord).length
  if (words < 2) return Infinity
  return parts.reduce((sum, part) => {
    const log10 = check(part)
    return sum + (isWord(part) ? Math.min(WORD_LOG10, log10) : log10)
  }, 0)
}

function isWord(part: string): boolean {
  return /^[\p{L}\p{M}]{3,}$/u.test(part) && part.length <= LONGEST_WORD
}
