/** The protections of a vault: how they are shown, and how a person names one. */
import { KeyhavenError } from 'keyhaven'
import { toHex } from 'keyhaven/crypto'
import type { DeviceProvider, FactorSummary, ProtectionSummary } from 'keyhaven/vault'
import { CommandError } from '../command-line/command-error.ts'
import { printable } from '../command-line/words.ts'
import { PROTECTION_TYPES } from './new-protection.ts'
import type { ProtectionType } from './new-protection.ts'

const SHOWN_ID = 8

/** A protection as a value for JSON. */
export function presentProtection({ id, label, factors }: ProtectionSummary): unknown {
  return { id, label, factors: factors.map(presentFactor) }
}

function presentFactor(factor: FactorSummary): unknown {
  return factor.type === 'passkey' ? { ...factor, credentialId: toHex(factor.credentialId) } : factor
}

/** Such as `3f2a91c0  password  Argon2id, 64 MiB, 3 passes`. */
export function describeProtection({ id, label, factors }: ProtectionSummary): string {
  const types = factors.map(typeOf).join(' + ')
  const parameters = factors.map(describeFactor).join('; ')
  const name = label === '' ? '' : `  ${printable(label)}`
  return `${id.slice(0, SHOWN_ID)}  ${types.padEnd(8)}  ${parameters}${name}`
}

const KEY_PLACES: Readonly<Record<DeviceProvider, string>> = {
  file: 'a key in a file',
  keychain: "a key in the system's keychain",
  indexeddb: 'a key in a browser',
}

/** The word by which a person asks for such a factor. */
export function typeOf(factor: FactorSummary): ProtectionType | 'passkey' {
  return factor.type === 'device' && factor.provider === 'keychain' ? 'keychain' : factor.type
}

function describeFactor(factor: FactorSummary): string {
  if (factor.type === 'device') return KEY_PLACES[factor.provider]
  if (factor.type === 'passkey') return printable(factor.siteId)
  const { stretching } = factor
  if (stretching.kdf === 'pbkdf2-sha-256') {
    return `PBKDF2-SHA-256, ${stretching.iterations.toLocaleString('en')} iterations`
  }
  const mebibytes = (stretching.memoryKib / 1024).toFixed(stretching.memoryKib % 1024 === 0 ? 0 : 1)
  return `Argon2id, ${mebibytes} MiB, ${String(stretching.iterations)} passes`
}

/**
 * The protection that a person means: by its type, where it is the only one of that, else by its id or the first
 * digits of it. `ERR_PROTECTION_MISSING` when there is none, `ERR_USAGE` when there are several.
 */
export function findProtection(protections: readonly ProtectionSummary[], which: string): ProtectionSummary {
  const byType = PROTECTION_TYPES.some((type) => type === which)
  if (!byType && !/^[0-9a-f]{4,32}$/.test(which)) {
    const text = 'WHICH must be device, password, keychain, or an id from "keyhaven vault protect list".'
    throw new CommandError('ERR_USAGE', text)
  }
  const found = protections.filter(({ id, factors }) =>
    byType ? factors.every((factor) => typeOf(factor) === which) : id.startsWith(which),
  )
  const [only, ...others] = found
  if (only === undefined) throw new KeyhavenError('ERR_PROTECTION_MISSING', undefined)
  if (others.length === 0) return only
  const ids = found.map(({ id }) => id.slice(0, byType ? SHOWN_ID : undefined)).join(', ')
  throw new CommandError(
    'ERR_USAGE',
    `There are ${String(found.length)} of these; name one by its id: ${ids}.`,
  )
}
