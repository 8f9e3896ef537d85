/**
 * What a person calls the other one of a conversation: sealed under his own identity, so that his next device opens it and nobody
 * else. It is bound to its conversation, so that a server cannot give one friend another's name; an older name of the same
 * conversation it can show. All are of one length.
 *
 *     1 ‖ random (32) ‖ AES-256-GCM(length (1) ‖ UTF-8 ‖ zeros to 256)
 */
import { isKeyhavenError } from 'keyhaven'
import { concat, lp, parseHex, parseUtf8, randomBytes, utf8 } from 'keyhaven/crypto'
import { writeIdentity } from 'keyhaven/identity'
import type { Identity } from 'keyhaven/identity'
import { openOnce, sealOnce } from './sealed-once.ts'

/** So many bytes of UTF-8 has a name at most. */
export const MOST_NAME_BYTES = 200
const FORMAT = 1
const RANDOM_BYTES = 32
const PADDED_BYTES = 256

export interface Named {
  readonly identity: Identity
  /** 32 hex digits. */
  readonly conversation: string
}

/** 305 bytes. */
export async function sealName(named: Named, name: string): Promise<Uint8Array> {
  const clear = concat(Uint8Array.of(FORMAT), randomBytes(RANDOM_BYTES))
  const text = utf8(name)
  const padded = new Uint8Array(PADDED_BYTES)
  padded.set([text.length])
  padded.set(text, 1)
  return concat(clear, await once(named, clear, (key) => sealOnce(key, padded)))
}

/** The name that was given; one of another format, conversation or person, or an altered one, is none. */
export async function findName(named: Named, sealed: Uint8Array | undefined): Promise<string | undefined> {
  if (sealed?.[0] !== FORMAT) return undefined
  const clear = sealed.subarray(0, 1 + RANDOM_BYTES)
  try {
    const padded = await once(named, clear, (key) => openOnce(key, sealed.subarray(clear.length)))
    return parseUtf8(padded.subarray(1, 1 + (padded[0] ?? 0)))
  } catch (fault) {
    if (!isKeyhavenError(fault, 'ERR_ENVELOPE_REJECTED')) throw fault
    return undefined
  }
}

/** `use` is given the private identity, which is wiped after it. */
async function once<Result>(
  { identity, conversation }: Named,
  clear: Uint8Array,
  use: (once: { readonly secret: Uint8Array; readonly place: Uint8Array }) => Promise<Result>,
): Promise<Result> {
  const place = concat(lp('keyhaven-page/name/v1'), parseHex(conversation, 'conversation', 16), clear)
  const secret = writeIdentity(identity)
  return use({ secret, place }).finally(() => secret.fill(0))
}
