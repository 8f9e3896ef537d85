import { decodeQR } from 'qr/decode.js'
import { expect, test } from 'vitest'
import { drawPicture } from './picture.ts'

const CODE = `KEYHAVEN-LINK:1:${'0123456789ABCDEF'.repeat(8)}`.replace(/(?<=:1:.{32})/, ':')

/** What a camera sees of a terminal: each character two squares above one another, dark where it says so. */
function rasterise(lines: readonly string[]): { width: number; height: number; data: Uint8Array } {
  const scale = 4
  const squares = lines.flatMap((line) => {
    const characters = line.split('')
    return ['▀█', '▄█'].map((dark) => characters.map((character) => dark.includes(character)))
  })
  const width = (squares[0]?.length ?? 0) * scale
  const data = squares.flatMap((row) => {
    const pixels = row.flatMap((dark) => Array.from({ length: scale }, () => (dark ? 0 : 255)))
    return Array.from({ length: scale }, () => pixels.flatMap((grey) => [grey, grey, grey, 255])).flat()
  })
  return { width, height: squares.length * scale, data: Uint8Array.from(data) }
}

test('the picture of a link’s code fits into a terminal, is dark on light, and a camera reads the code', () => {
  const lines = drawPicture(CODE).split('\n')
  expect(lines.length).toBeLessThanOrEqual(24)
  const [before, after] = ['\u001b[30;107m', '\u001b[0m']
  for (const line of lines) expect([line.startsWith(before), line.endsWith(after)]).toEqual([true, true])
  const inside = lines.map((line) => line.slice(before.length, -after.length))
  expect(inside.every((line) => /^[ ▀▄█]{1,80}$/.test(line))).toBe(true)
  expect(decodeQR(rasterise(inside))).toBe(CODE)
})
