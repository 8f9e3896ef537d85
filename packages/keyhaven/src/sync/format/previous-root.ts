/**
 * The root key of a generation, sealed under that of the next one (docs/formats.md, "Previous root, format 1"): what is
 * left of an old generation can be opened with it until the server drops that generation, and this with it.
 */
import { AEAD_NONCE_LENGTH, be4, concat, deriveKey, lp, openAead, sealAead } from '../../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'

interface PreviousRootPurpose {
  /** 16 bytes. */
  readonly account: Uint8Array
  /** The generation whose root key is sealed. */
  readonly generation: number
  /** The root key of the generation after it, 32 bytes. */
  readonly nextRoot: Uint8Array
}

/** 48 bytes. A next root key is made for one change only, so that the key here is used once and the nonce is zero. */
export async function sealPreviousRoot(purpose: PreviousRootPurpose, root: Uint8Array): Promise<Uint8Array> {
  return sealAead(aeadOf(purpose), root)
}

/** The root key, 32 bytes; `ERR_LOG_DAMAGED` when it does not open under the next one. */
export async function openPreviousRoot(
  purpose: PreviousRootPurpose,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  try {
    return await openAead(aeadOf(purpose), sealed)
  } catch (fault) {
    if (!isKeyhavenError(fault)) throw fault
    throw new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'previous root' })
  }
}

function aeadOf({ account, generation, nextRoot }: PreviousRootPurpose): Parameters<typeof sealAead>[0] {
  const info = concat(lp('keyhaven/previous-root/v1'), lp(account), be4(generation))
  const key = deriveKey({ secret: nextRoot, info })
  return { key, nonce: new Uint8Array(AEAD_NONCE_LENGTH), associatedData: new Uint8Array() }
}
