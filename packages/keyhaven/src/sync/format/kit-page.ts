/**
 * A kit's page for paper: a PDF of one A4 page with the file as a QR code and as text, and what to do with it. It is as
 * secret as the file is: whoever has it still needs the passphrase, which is not on it.
 *
 * PDF 1.4 (ISO 32000-1) by hand, with the fonts that every reader has: one page of squares and lines needs no library.
 */
import { encodeQR } from 'qr'

const WIDTH = 595
const HEIGHT = 842
const MARGIN = 57
const CODE_SIDE = 330
/** Light modules around a QR code (ISO/IEC 18004). */
const QUIET = 4

/** The bytes of the page. `made` is shown as a date in UTC; `server` as text. */
export function writeKitPage(input: {
  readonly file: string
  readonly server: string
  readonly made: Date
}): Uint8Array {
  const { file, server, made } = input
  const top = HEIGHT - MARGIN
  const codeTop = top - 118
  const content = [
    text({ font: 'F1', size: 20, y: top - 20, line: 'Keyhaven recovery kit' }),
    ...[
      `Made on ${made.toISOString().slice(0, 10)} for ${server}.`,
      'Brings your keys back to a new device, together with its passphrase, which is not on this page.',
      'Scan the code, or type the text below, into a file named kit.age. Sign in on the new device, then run:',
      '    keyhaven kit open kit.age',
    ].map((line, index) => text({ font: 'F1', size: 10, y: top - 46 - index * 15, line })),
    ...drawCode(file, codeTop),
    ...file
      .trim()
      .split('\n')
      .map((line, index) => text({ font: 'F2', size: 8, y: codeTop - CODE_SIDE - 30 - index * 10, line })),
  ]
  return writePdf(content.join('\n'))
}

function text(input: {
  readonly font: 'F1' | 'F2'
  readonly size: number
  readonly y: number
  readonly line: string
}): string {
  const { font, size, y, line } = input
  const shown = Array.from(line, (character) => (/[\x20-\x7e]/.test(character) ? character : '?')).join('')
  return `BT /${font} ${String(size)} Tf ${String(MARGIN)} ${String(y)} Td (${shown.replace(/[\\()]/g, '\\$&')}) Tj ET`
}

function drawCode(file: string, top: number): readonly string[] {
  const modules = encodeQR(file.trim(), 'raw', { ecc: 'low', border: QUIET })
  const side = CODE_SIDE / modules.length
  const left = (WIDTH - CODE_SIDE) / 2
  const at = (value: number): string => value.toFixed(3)
  return modules.flatMap((row, down) =>
    row.flatMap((dark, across) =>
      dark ? [`${at(left + across * side)} ${at(top - (down + 1) * side)} ${at(side)} ${at(side)} re f`] : [],
    ),
  )
}

function writePdf(content: string): Uint8Array {
  const font = (name: string): string => `<< /Type /Font /Subtype /Type1 /BaseFont /${name} >>`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${String(WIDTH)} ${String(HEIGHT)}] /Contents 4 0 R /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>`,
    `<< /Length ${String(content.length)} >>\nstream\n${content}\nendstream`,
    font('Helvetica'),
    font('Courier'),
  ]
  let body = '%PDF-1.4\n'
  const offsets = objects.map((object, index) => {
    const offset = body.length
    body += `${String(index + 1)} 0 obj\n${object}\nendobj\n`
    return `${String(offset).padStart(10, '0')} 00000 n \n`
  })
  const count = String(objects.length + 1)
  const trailer = `xref\n0 ${count}\n0000000000 65535 f \n${offsets.join('')}trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${String(body.length)}\n%%EOF\n`
  return new TextEncoder().encode(body + trailer)
}
