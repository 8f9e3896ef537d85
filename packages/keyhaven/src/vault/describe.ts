/**
 * What the stored bytes say about a vault's protections, without a key. Nobody has vouched for it until the vault is
 * unlocked: show it, but decide nothing by it.
 */
import { toHex } from '../crypto/bytes.ts'
import { KeyhavenError } from '../errors.ts'
import { chooseStorage } from './defaults.ts'
import { parseHead } from './head.ts'
import { requireVaultName } from './names.ts'
import { DEVICE_PROVIDERS, isProvider } from './protection/device-parameters.ts'
import type { DeviceProvider } from './protection/device-parameters.ts'
import { parsePasskeyParameters } from './protection/passkey-parameters.ts'
import { parsePasswordParameters } from './protection/password-parameters.ts'
import type { Slot, StoredFactor } from './slot.ts'
import { HEAD } from './storage.ts'
import type { VaultStorage } from './storage.ts'
import type { FactorSummary, ProtectionSummary, VaultDescription, VaultOptions } from './types.ts'

/** Which vault lies there and what opens it. Faults as of `openVault`, except that a missing vault is an answer. */
export async function describeVault(
  options: Pick<VaultOptions, 'name' | 'storage'>,
): Promise<VaultDescription> {
  const name = requireVaultName(options.name)
  const storage = chooseStorage(options.storage)
  const headBytes = await storage.read(name, HEAD)
  if (headBytes === undefined) {
    const { code } = await missingVault({ name, storage })
    return { status: code === 'ERR_VAULT_EVICTED' ? 'evicted' : 'missing' }
  }
  const { vaultId, slots } = await parseHead(headBytes)
  return { status: 'present', id: vaultId.slice(), protections: slots.map(summarizeSlot) }
}

/** Why there is no head: the vault was deleted by the browser, or it never was. */
export async function missingVault(options: {
  readonly name: string
  readonly storage: VaultStorage
}): Promise<KeyhavenError<'ERR_VAULT_EVICTED' | 'ERR_VAULT_MISSING'>> {
  const evicted = (await options.storage.wasHere?.(options.name)) === true
  return new KeyhavenError(evicted ? 'ERR_VAULT_EVICTED' : 'ERR_VAULT_MISSING', undefined)
}

/** A slot as callers see it. */
export function summarizeSlot(slot: Slot): ProtectionSummary {
  return { id: toHex(slot.id), label: slot.label, factors: slot.factors.map(summarizeFactor) }
}

function summarizeFactor({ type, parameters }: StoredFactor): FactorSummary {
  if (type === 'password') return { type, stretching: parsePasswordParameters(parameters).stretching }
  if (type === 'device') return { type, provider: providerOf(parameters) }
  const { siteId, credentialId } = parsePasskeyParameters(parameters)
  return { type, siteId, credentialId: credentialId.slice() }
}

function providerOf(parameters: Uint8Array): DeviceProvider {
  const providers = Object.keys(DEVICE_PROVIDERS) as DeviceProvider[]
  const found = providers.find((provider) => isProvider(parameters, provider))
  if (found === undefined) throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'parameters' })
  return found
}
