/**
 * A slot seals the root key of one generation to one way in (docs/formats.md, "Slot, format 1"): X-Wing ciphertext,
 * then AES-256-GCM under a key that is derived from the shared secret and used this once, so the nonce is zero.
 */
import { AEAD_NONCE_LENGTH, openAead, sealAead } from '../../crypto/aead.ts'
import { be4, concat, lp } from '../../crypto/bytes.ts'
import { deriveKey, sha256 } from '../../crypto/hkdf.ts'
import { XWING_CIPHERTEXT_LENGTH, loadXWing } from '../../crypto/load-x-wing.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'

export const ROOT_KEY_BYTES = 32
export const SLOT_BYTES = 1168
export const WAY_ID_BYTES = 16

/** Whose slot of which generation: account and way id are 16 bytes each. */
export interface SlotPurpose {
  readonly account: Uint8Array
  readonly generation: number
}

/** A way's id: the first 16 bytes of `SHA-256(lp("keyhaven/way-id/v1") ‖ public key)`, so that its holder finds its slot. */
export function deriveWayId(publicKey: Uint8Array): Uint8Array {
  return sha256(concat(lp('keyhaven/way-id/v1'), publicKey)).slice(0, WAY_ID_BYTES)
}

/** Seals a root key (32 bytes) to a public key; 1168 bytes. */
export async function sealSlot(
  input: SlotPurpose & { readonly root: Uint8Array; readonly publicKey: Uint8Array },
): Promise<Uint8Array> {
  const { encapsulate } = await loadXWing()
  const { ciphertext, sharedSecret } = encapsulate(input.publicKey)
  const key = deriveSlotKey({ ...input, sharedSecret, ciphertext })
  const sealed = await sealAead(
    { key, nonce: new Uint8Array(AEAD_NONCE_LENGTH), associatedData: new Uint8Array() },
    input.root,
  )
  return concat(ciphertext, sealed)
}

/** The root key in a slot; `ERR_LOG_DAMAGED` when this seed does not open it for this account and generation. */
export async function openSlot(
  input: SlotPurpose & { readonly slot: Uint8Array; readonly seed: Uint8Array },
): Promise<Uint8Array> {
  if (input.slot.length !== SLOT_BYTES) throw new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'slot' })
  const ciphertext = input.slot.subarray(0, XWING_CIPHERTEXT_LENGTH)
  const { decapsulate, deriveXWingPublicKey } = await loadXWing()
  const publicKey = deriveXWingPublicKey(input.seed)
  try {
    const sharedSecret = decapsulate({ ciphertext, seed: input.seed })
    const key = deriveSlotKey({ ...input, publicKey, sharedSecret, ciphertext })
    return await openAead(
      { key, nonce: new Uint8Array(AEAD_NONCE_LENGTH), associatedData: new Uint8Array() },
      input.slot.subarray(XWING_CIPHERTEXT_LENGTH),
    )
  } catch (fault) {
    if (!isKeyhavenError(fault, 'ERR_ENVELOPE_REJECTED')) throw fault
    throw new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'slot' })
  }
}

function deriveSlotKey(
  input: SlotPurpose & {
    readonly publicKey: Uint8Array
    readonly sharedSecret: Uint8Array
    readonly ciphertext: Uint8Array
  },
): Uint8Array {
  const info = concat(
    lp('keyhaven/way/v1'),
    lp(input.account),
    lp(deriveWayId(input.publicKey)),
    be4(input.generation),
    lp(sha256(concat(input.publicKey, input.ciphertext))),
  )
  return deriveKey({ secret: input.sharedSecret, info })
}
