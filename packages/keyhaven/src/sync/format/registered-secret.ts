/**
 * What the realms hold under the PIN, format 1: `0x01 ‖ way seed (32) ‖ be4(generation) ‖ anchor (32)`, 69 bytes.
 * The anchor is the id of the newest ways or snapshot segment; a log without it was rolled back.
 */
import { be4, concat } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'

export interface RegisteredSecret {
  /** The PIN's way in: an X-Wing seed of 32 bytes. */
  readonly waySeed: Uint8Array
  readonly generation: number
  /** A segment id, 32 bytes. */
  readonly anchor: Uint8Array
}

const LENGTH = 69

/** 69 bytes. The caller wipes them. */
export function writeRegisteredSecret(secret: RegisteredSecret): Uint8Array {
  return concat(Uint8Array.of(1), secret.waySeed, be4(secret.generation), secret.anchor)
}

/** `ERR_CLIENT_TOO_OLD` for a format of the future, `ERR_REGISTRATION_DAMAGED` for anything else that does not fit. */
export function parseRegisteredSecret(bytes: Uint8Array): RegisteredSecret {
  if ((bytes[0] ?? 0) > 1) throw new KeyhavenError('ERR_CLIENT_TOO_OLD', undefined)
  const damaged = new KeyhavenError('ERR_REGISTRATION_DAMAGED', undefined)
  if (bytes.length !== LENGTH || bytes[0] !== 1) throw damaged
  const generation = new DataView(bytes.buffer, bytes.byteOffset, LENGTH).getUint32(33)
  if (generation < 1) throw damaged
  return { waySeed: bytes.slice(1, 33), generation, anchor: bytes.slice(37) }
}
