/**
 * Making a slot for a protection, and opening the vault key through one.
 */
import { randomBytes, wipe } from '../crypto/bytes.ts'
import { KeyhavenError } from '../errors.ts'
import { FACTOR_TYPES } from './protection.ts'
import type { Factor, FactorContext, Protection } from './protection.ts'
import { SLOT_ID_LENGTH, requireLabel, unwrapVaultKey, wrapVaultKey } from './slot.ts'
import type { Slot, StoredFactor } from './slot.ts'
import type { UnlockOutcome } from './types.ts'

type Opened =
  | { readonly status: 'unlocked'; readonly vaultKey: Uint8Array }
  | Exclude<UnlockOutcome, { readonly status: 'unlocked' }>

/** What slots need to know about their vault. */
export interface SlotHome {
  readonly vaultId: Uint8Array
  readonly storageDirectory: string | undefined
}

/** Sets up a protection and wraps the vault key under it. */
export async function enrollSlot(
  home: SlotHome,
  vaultKey: Uint8Array,
  protection: Protection,
): Promise<Slot> {
  const context = { ...home, slotId: randomBytes(SLOT_ID_LENGTH) }
  const enrolled: { factor: StoredFactor; secret: Uint8Array }[] = []
  try {
    for (const factor of ordered(protection)) {
      const { parameters, secret } = await factor.enroll(context)
      enrolled.push({ factor: { type: factor.type, parameters }, secret })
    }
    const factors = enrolled.map(({ factor }) => factor)
    const face = { id: context.slotId, label: requireLabel(protection.label ?? ''), factors }
    const secrets = enrolled.map(({ secret }) => secret)
    return await wrapVaultKey({ vaultId: home.vaultId, vaultKey, face, secrets })
  } catch (error) {
    for (const { factor } of enrolled) await forgetFactor(context, factor, protection.factors)
    throw error
  } finally {
    wipe(...enrolled.map(({ secret }) => secret))
  }
}

/** Tries each slot that this protection can serve, in their order. */
export async function openSlots(
  home: SlotHome,
  slots: readonly Slot[],
  protection: Protection,
): Promise<Opened> {
  let outcome: Opened = { status: 'no-such-protection' }
  for (const slot of slots.filter((candidate) => serves(protection, candidate))) {
    outcome = await openSlot(home, slot, protection)
    // A person who declined, or did not come, is not asked for the next one.
    if (outcome.status !== 'wrong-password' && outcome.status !== 'unavailable') return outcome
  }
  return outcome
}

async function openSlot(home: SlotHome, slot: Slot, protection: Protection): Promise<Opened> {
  const secrets: Uint8Array[] = []
  try {
    for (const [index, factor] of ordered(protection).entries()) {
      const outcome = await factor.open(contextOf(home, slot, index))
      if (outcome.status !== 'opened') return outcome
      secrets.push(outcome.secret)
    }
    const vaultKey = await unwrapVaultKey({ vaultId: home.vaultId, slot, secrets })
    return vaultKey ? { status: 'unlocked', vaultKey } : { status: 'wrong-password' }
  } finally {
    wipe(...secrets)
  }
}

/** Lets the factors delete what they keep outside the vault for this slot. */
export async function forgetSlot(home: SlotHome, slot: Slot, factors: readonly Factor[]): Promise<void> {
  for (const stored of slot.factors) await forgetFactor({ ...home, slotId: slot.id }, stored, factors)
}

/** Whether any of the factors is one that keeps such a thing; each has then deleted it. */
export async function forgetFactor(
  context: FactorContext,
  { type, parameters }: StoredFactor,
  factors: readonly Factor[],
): Promise<boolean> {
  const keepers = factors.filter(
    (factor) => factor.type === type && factor.forget !== undefined && factor.matches(parameters),
  )
  for (const keeper of keepers) await keeper.forget?.({ ...context, parameters })
  return keepers.length > 0
}

/** Whether the protection has just the factors that the slot needs. */
export function serves(protection: Protection, slot: Slot): boolean {
  const factors = ordered(protection)
  return (
    factors.length === slot.factors.length &&
    factors.every((factor, index) => {
      const stored = slot.factors[index]
      return stored?.type === factor.type && factor.matches(stored.parameters)
    })
  )
}

/** Whether the protection opens without asking anybody. */
export function opensAlone(protection: Protection): boolean {
  return protection.factors.every((factor) => !factor.prompts)
}

/** Factors in the order in which slots store them. */
function ordered(protection: Protection): readonly Factor[] {
  const factors = protection.factors.toSorted(
    (left, right) => FACTOR_TYPES[left.type] - FACTOR_TYPES[right.type],
  )
  const types = new Set(factors.map(({ type }) => type))
  if (factors.length === 0 || types.size !== factors.length) {
    throw new KeyhavenError('ERR_INPUT_INVALID', {
      field: 'protection',
      expected: 'factors of different kinds',
    })
  }
  return factors
}

function contextOf(
  home: SlotHome,
  slot: Slot,
  index: number,
): FactorContext & { readonly parameters: Uint8Array } {
  return { ...home, slotId: slot.id, parameters: slot.factors[index]?.parameters ?? new Uint8Array() }
}
