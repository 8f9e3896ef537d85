/**
 * What people type when asked for a PIN in a hurry: repetitions and runs, along the digits, the alphabet, a telephone's
 * keypad or a keyboard's row. Letters count without case.
 */

const LEAST_DIFFERENT = 3
const LONGEST_BLOCK = 4
const SHORTEST_RUN = 3

/** Where a finger goes straight on: columns and diagonals of a keypad, rows of keyboards. */
const LINES = [
  ...['147', '2580', '369', '159', '357'],
  ...['qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'qwertzuiop', 'yxcvbnm', 'azertyuiop', 'qsdfghjklm', 'wxcvbn'],
].flatMap((line) => [line, Array.from(line).reverse().join('')])

/** Fewer than three different characters, or a block of up to four characters again and again: 121212, 274274. */
export function isRepeated(text: string): boolean {
  const characters = Array.from(text.toLowerCase())
  if (new Set(characters).size < LEAST_DIFFERENT) return true
  const longest = Math.min(LONGEST_BLOCK, Math.floor(characters.length / 2))
  for (let block = 2; block <= longest; block += 1) {
    if (characters.every((character, index) => index < block || character === characters[index - block]))
      return true
  }
  return false
}

/** One even progression of digits (246802), runs of three and more one after another (456123), or one doubled (112233). */
export function isSequence(text: string): boolean {
  const characters = Array.from(text.toLowerCase())
  const doubled =
    characters.length % 2 === 0 && characters.every((each, index) => each === characters[index ^ 1])
  const single = doubled ? characters.filter((_, index) => index % 2 === 0) : characters
  return isProgression(single) || isMadeOfRuns(single)
}

/** Each digit as far from the one before as the next, modulo 10. */
function isProgression(characters: readonly string[]): boolean {
  if (!characters.every((each) => /^\d$/.test(each))) return false
  const steps = characters.slice(1).map((each, index) => (Number(each) - Number(characters[index]) + 10) % 10)
  return steps.every((step) => step === steps[0])
}

function isMadeOfRuns(characters: readonly string[]): boolean {
  const reached = [true]
  for (let end = SHORTEST_RUN; end <= characters.length; end += 1) {
    for (let start = end - SHORTEST_RUN; start >= 0; start -= 1) {
      if (!isRun(characters.slice(start, end))) break
      if (reached[start] === true) reached[end] = true
    }
  }
  return reached[characters.length] === true
}

function isRun(characters: readonly string[]): boolean {
  const text = characters.join('')
  return LINES.some((line) => line.includes(text)) || [0, 1, -1].some((step) => isEven(characters, step))
}

function isEven(characters: readonly string[], step: number): boolean {
  return characters.every((character, index) => {
    const before = characters[index - 1]
    return before === undefined || follows(before, character, step)
  })
}

/** Digits wrap from 9 to 0; letters are those of any alphabet that Unicode has in order. */
function follows(before: string, character: string, step: number): boolean {
  if (/^\d\d$/.test(before + character)) return (Number(before) + step + 10) % 10 === Number(character)
  if (!/^\p{L}\p{L}$/u.test(before + character)) return false
  return (before.codePointAt(0) ?? 0) + step === character.codePointAt(0)
}
