/**
 * UUIDs as text and as 16 bytes (RFC 9562), lower case only, and ids that grow with time.
 */
import { KeyhavenError } from 'keyhaven'
import { parseHex, randomBytes, toHex } from 'keyhaven/crypto'

const SHAPE = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/

/** True for a UUID in lower case. */
export function isUuid(text: string): boolean {
  return SHAPE.test(text)
}

/** The 16 bytes of a UUID; `ERR_INPUT_INVALID` for any other text. */
export function parseUuid(text: string): Uint8Array {
  if (!isUuid(text)) throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'uuid', expected: 'a UUID' })
  return parseHex(text.replaceAll('-', ''), 'uuid', 16)
}

/** The text of 16 bytes. */
export function formatUuid(bytes: Uint8Array): string {
  const hex = toHex(bytes)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

let lastTime = 0
let counter = 0

/** A UUID, version 7: sorts by `time` (ms since 1970), and within one ms of one process by the order of the calls. */
export function generateTimeUuid(time: number): string {
  counter = time === lastTime ? (counter + 1) % 0x1000 : 0
  lastTime = time
  const bytes = randomBytes(16)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, Math.floor(time / 2 ** 32))
  view.setUint32(2, time % 2 ** 32)
  view.setUint16(6, 0x7000 | counter)
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f))
  return formatUuid(bytes)
}
