/** An option, or an argument, that takes one of a few words. What was typed instead is not repeated. */
import { CommandError } from './command-error.ts'

/** The word as one of `words`; `ERR_USAGE` names them when it is none, or when there is none and no `fallback`. */
export function chooseWord<Word extends string>(input: {
  readonly what: string
  readonly typed: string | undefined
  readonly words: readonly Word[]
  readonly fallback?: Word
}): Word {
  const { what, typed, words, fallback } = input
  const found = typed === undefined ? fallback : words.find((word) => word === typed)
  if (found !== undefined) return found
  const list = words.length === 1 ? words.join('') : `one of ${words.join(', ')}`
  throw new CommandError(
    'ERR_USAGE',
    `${what} ${typed === undefined ? 'is missing; it is' : 'must be'} ${list}.`,
  )
}
