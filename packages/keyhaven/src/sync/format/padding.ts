/**
 * Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", PETS 2019): a length is rounded up so
 * that it tells O(log log L) bits about its content, at a cost of at most 12 %.
 *
 * Padded: `be4(length) ‖ content ‖ zeros` up to the Padmé size of the whole.
 */
import { be4, concat } from '../../crypto/bytes.ts'
import { KeyhavenError } from '../../errors.ts'

/** The Padmé size of `length` bytes; 0 and 1 stay as they are. */
export function padmeSize(length: number): number {
  if (length < 2) return length
  const exponent = Math.floor(Math.log2(length))
  const mantissaBits = Math.floor(Math.log2(exponent)) + 1
  const step = 2 ** Math.max(0, exponent - mantissaBits)
  return Math.ceil(length / step) * step
}

/** `be4(length) ‖ content ‖ zeros`. */
export function pad(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(padmeSize(4 + content.length))
  padded.set(concat(be4(content.length), content))
  return padded
}

/** The content again; `ERR_LOG_DAMAGED` unless the padding is exactly what {@link pad} writes. */
export function unpad(padded: Uint8Array): Uint8Array {
  const fault = new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'padding' })
  if (padded.length < 4) throw fault
  const length = new DataView(padded.buffer, padded.byteOffset, 4).getUint32(0)
  if (padmeSize(4 + length) !== padded.length) throw fault
  if (padded.subarray(4 + length).some((byte) => byte !== 0)) throw fault
  return padded.subarray(4, 4 + length)
}
