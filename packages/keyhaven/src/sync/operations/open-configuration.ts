/**
 * Takes a signed realm configuration into use: never one older than this device has seen, and never other realms than those
 * that the backup is at, before it is moved.
 */
import { equal, toHex } from '../../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { parseSignedConfiguration } from '../../recovery/index.ts'
import type { Configuration } from '../../recovery/index.ts'
import type { Vault } from '../../vault/index.ts'
import { readState } from '../device/backup-state.ts'
import { namesBelow } from '../device/records.ts'
import { describeTrust } from '../format/ways.ts'
import { realmIds } from '../steps/registration.ts'
import type { KeySyncTransport } from '../transport/transport.ts'

/** What a signed realm configuration is opened with. */
export interface OpenConfigurationInput {
  readonly transport: KeySyncTransport
  /** Unlocked meanwhile; keeps which document was seen last. */
  readonly vault: Vault
  /** What `signConfiguration` wrote, from wherever the app has it: the signature is what counts. */
  readonly document: string
  /** The Ed25519 key that the app trusts, 32 bytes, compiled in. */
  readonly publicKey: Uint8Array
  readonly insecureForTests?: boolean
  readonly signal?: AbortSignal
}

/** The configurations for `createKeySync`. */
export interface OpenedConfiguration {
  readonly counter: number
  /** The realms that the backup is at; the document's first ones when there is none. */
  readonly configuration: Configuration
  readonly formerConfigurations: readonly Configuration[]
  /** Set when the document names newer realms than the backup is at: pass it to `moveRealms`, which needs the PIN. */
  readonly next: Configuration | undefined
}

/** The public function of this name says what it does. */
export async function openConfiguration(input: OpenConfigurationInput): Promise<OpenedConfiguration> {
  const { counter, digest, configuration, previous } = parseSignedConfiguration(input.document, input)
  await keepCounter(input.vault, { publicKey: input.publicKey, counter, digest })
  const candidates = [configuration, ...previous]
  const relied = candidates[await findRelied(input, candidates)] ?? configuration
  return {
    counter,
    configuration: relied,
    formerConfigurations: candidates.filter((candidate) => candidate !== relied),
    next: relied === configuration ? undefined : configuration,
  }
}

/**
 * Notes what was seen in a record that is added and never changed, so that two writers cannot bring an older one back.
 * `ERR_CONFIGURATION_REJECTED` for an older document, and for another one of the same count.
 */
async function keepCounter(
  vault: Vault,
  seen: { readonly publicKey: Uint8Array; readonly counter: number; readonly digest: Uint8Array },
): Promise<void> {
  const prefix = `sync/configuration/${toHex(seen.publicKey)}/`
  const own = prefix + String(seen.counter).padStart(16, '0')
  const names = await namesBelow(vault, prefix)
  if (names.some((name) => name > own)) throw rejected('older')
  if (!names.includes(own)) await addRecord(vault, own, seen.digest)
  const kept = await vault.get(own)
  if (kept === undefined) throw rejected('older')
  if (!equal(kept.bytes, seen.digest)) throw rejected('forked')
  const older = names.filter((name) => name < own)
  if (older.length > 0) await vault.write(new Map(older.map((name) => [name, null])))
}

async function addRecord(vault: Vault, name: string, bytes: Uint8Array): Promise<void> {
  try {
    await vault.put(name, { type: 'keyhaven/sync-configuration', bytes }, { ifMissing: true })
  } catch (fault) {
    if (!isKeyhavenError(fault, 'ERR_RECORD_EXISTS')) throw fault
  }
}

/**
 * Which of the configurations, newest first, the backup is at: by the account's pointer, and by what this device knows of
 * the backup. A server can show a device that has joined no older one; to another device only what the key has signed.
 */
async function findRelied(
  { vault, transport, signal }: OpenConfigurationInput,
  candidates: readonly Configuration[],
): Promise<number> {
  const { pointer } = await transport.readPointer(signal)
  if (pointer === null) return 0
  const served = [...pointer.realms].sort().join()
  const isServed = (configuration: Configuration): boolean => realmIds({ configuration }).join() === served
  const state = await readState(vault)
  const known = candidates.findIndex((candidate) => state && equal(describeTrust(candidate), state.trust))
  const joined = candidates[known]
  if (joined !== undefined && isServed(joined)) return known
  const shown = candidates.findIndex(isServed)
  return known >= 0 ? Math.min(known, Math.max(shown, 0)) : shown
}

function rejected(reason: 'older' | 'forked'): KeyhavenError<'ERR_CONFIGURATION_REJECTED'> {
  return new KeyhavenError('ERR_CONFIGURATION_REJECTED', { reason })
}
