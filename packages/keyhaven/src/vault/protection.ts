/**
 * What a protection is: one factor, or several that are all needed, each of which yields 32 secret bytes.
 * A slot of the vault's head wraps the vault key under a key that is derived from those bytes (slot.ts).
 */

/** The kinds of factor, by the byte that names them in a slot. */
export const FACTOR_TYPES = { device: 1, password: 2, passkey: 3 } as const

export type FactorType = keyof typeof FACTOR_TYPES

/** What a factor is told about the slot that it serves. */
export interface FactorContext {
  readonly vaultId: Uint8Array
  readonly slotId: Uint8Array
  /** The folder of the storage, if it has one. */
  readonly storageDirectory?: string | undefined
}

/** What asking a factor for its secret comes to. */
export type FactorOutcome =
  | { readonly status: 'opened'; readonly secret: Uint8Array }
  /** The person declined. */
  | { readonly status: 'cancelled' }
  /** The person did not answer in time. */
  | { readonly status: 'timed-out' }
  /** The factor's secret cannot be had here: the device key is gone, or the passkey is another. */
  | { readonly status: 'unavailable' }

/** One thing that is needed to open a slot. Made by `passwordProtection` and its like; apps only pass it on. */
export interface Factor {
  readonly type: FactorType
  /** False when it opens without asking anybody. */
  readonly prompts: boolean
  /** Whether this factor can serve a slot with these parameters. */
  matches(parameters: Uint8Array): boolean
  /** Makes a new secret, or derives one from fresh parameters. The caller wipes the secret. */
  enroll(context: FactorContext): Promise<{ readonly parameters: Uint8Array; readonly secret: Uint8Array }>
  /** The secret for stored parameters. The caller wipes it. */
  open(context: FactorContext & { readonly parameters: Uint8Array }): Promise<FactorOutcome>
  /** Deletes what the factor keeps outside the vault for this slot, if anything. */
  forget?(context: FactorContext & { readonly parameters: Uint8Array }): Promise<void>
}

/** A way into a vault. */
export interface Protection {
  /** All of these are needed at once. */
  readonly factors: readonly Factor[]
  /** A name to show beside it, at most 64 bytes; stored in clear. */
  readonly label?: string | undefined
}
