/**
 * A QR code for a terminal: two squares above one another are one character, so that a link's code fits into 80 columns and
 * 24 lines, and its colours are told, so that it is dark on light whatever the terminal's own are.
 */
import { encodeQR } from 'qr'

const DARK_ON_LIGHT = '\u001b[30;107m'
const RESET = '\u001b[0m'
/** By whether the upper and the lower square are dark. */
const HALVES = [' ', '▄', '▀', '█'] as const

/** The picture of a text, a light border of two squares around it. */
export function drawPicture(text: string): string {
  const squares = encodeQR(text, 'raw', { border: 2 })
  const lines: string[] = []
  for (let row = 0; row < squares.length; row += 2) {
    const halves = squares[row]?.map((dark, at) => HALVES[(dark ? 2 : 0) + (squares[row + 1]?.[at] ? 1 : 0)])
    lines.push(DARK_ON_LIGHT + (halves ?? []).join('') + RESET)
  }
  return lines.join('\n')
}
