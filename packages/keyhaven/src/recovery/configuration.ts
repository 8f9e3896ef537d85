/**
 * Which realms hold a person's shares, how many must answer, and how the PIN is stretched.
 *
 * The configuration is the client's trust anchor: it is compiled into the app or signed by a key that is; no
 * server's answer changes it. The JSON shape is that of the Juicebox SDK.
 */
import { KeyhavenError } from '../errors.ts'
import { parseHex, toHex } from '../crypto/text.ts'
import { LENGTHS } from './messages.ts'
import type { PinHashingMode } from './pin.ts'

/** How long each request to a realm may take, in milliseconds, unless told. */
export const DEFAULT_REALM_DEADLINE_MS = 10_000

/** Who runs a realm, as the configuration says it; nobody but whoever made the configuration vouches for it. */
export interface RealmOperator {
  readonly name: string
  /** Whose law can order the operator about, such as `Germany`. */
  readonly jurisdiction: string
}

export interface Realm {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** An http(s) address that ends in `/`. */
  readonly address: string
  /** A hardware realm's key. Such realms need the Noise transport, which is not spoken here: `ERR_REALM_UNSUPPORTED`. */
  readonly publicKey?: Uint8Array
  readonly operator?: RealmOperator
}

export interface Configuration {
  /** Sorted by id; a realm's share index is its place, from 1. */
  readonly realms: readonly Realm[]
  readonly registerThreshold: number
  readonly recoverThreshold: number
  readonly pinHashingMode: PinHashingMode
  /** Only with this may `pinHashingMode` be `FastInsecure`. */
  readonly insecureForTests?: true
}

/** The JSON shape of a configuration. `operator` is ours; other clients ignore it. */
export interface SerializedConfiguration {
  readonly realms: readonly {
    readonly id: string
    readonly address: string
    readonly public_key?: string
    readonly operator?: RealmOperator
  }[]
  readonly register_threshold: number
  readonly recover_threshold: number
  readonly pin_hashing_mode: PinHashingMode
}

/**
 * Reads a configuration of the JSON shape and checks it. `ERR_CONFIGURATION_INVALID` names the rule that it breaks,
 * `ERR_INSECURE_TRANSPORT` a plain http address beyond this machine, `ERR_REALM_UNSUPPORTED` a hardware realm.
 */
export function parseConfiguration(
  value: unknown,
  options: { readonly insecureForTests?: boolean } = {},
): Configuration {
  const { realms, register_threshold, recover_threshold, pin_hashing_mode } = asRecord(value)
  if (!Array.isArray(realms)) throw invalid('realms is not a list')
  return checkConfiguration({
    realms: realms.map(parseRealm),
    registerThreshold: asCount(register_threshold, 'register_threshold'),
    recoverThreshold: asCount(recover_threshold, 'recover_threshold'),
    pinHashingMode: asMode(pin_hashing_mode),
    ...(options.insecureForTests === true && { insecureForTests: true }),
  })
}

/** A configuration as the JSON shape, realms sorted by id. */
export function serializeConfiguration(configuration: Configuration): SerializedConfiguration {
  return {
    realms: sortRealms(configuration.realms).map(({ id, address, publicKey, operator }) => ({
      id: toHex(id),
      address,
      ...(publicKey && { public_key: toHex(publicKey) }),
      ...(operator && { operator }),
    })),
    register_threshold: configuration.registerThreshold,
    recover_threshold: configuration.recoverThreshold,
    pin_hashing_mode: configuration.pinHashingMode,
  }
}

/** Checks a configuration by the protocol's rules and ours, and gives it back with its realms sorted. */
export function checkConfiguration(configuration: Configuration): Configuration {
  const realms = sortRealms(configuration.realms)
  const { registerThreshold, recoverThreshold, pinHashingMode } = configuration
  if (realms.length < 1 || realms.length > 255) throw invalid('there must be 1 to 255 realms')
  if (new Set(realms.map(({ id }) => toHex(id))).size !== realms.length)
    throw invalid('two realms have one id')
  if (!isBetween(registerThreshold, 1, realms.length)) throw invalid('register_threshold is out of range')
  if (!isBetween(recoverThreshold, Math.floor(realms.length / 2) + 1, registerThreshold)) {
    throw invalid('recover_threshold is out of range')
  }
  if (pinHashingMode !== 'Standard2019' && configuration.insecureForTests !== true) {
    throw invalid('pin_hashing_mode FastInsecure is for tests')
  }
  realms.forEach(checkRealm)
  return { ...configuration, realms }
}

function checkRealm(realm: Realm): void {
  if (realm.id.length !== LENGTHS.realmId) throw invalid('a realm id is not 16 bytes')
  if (realm.publicKey !== undefined) {
    throw new KeyhavenError('ERR_REALM_UNSUPPORTED', { realmId: toHex(realm.id) })
  }
  if (realm.operator !== undefined) parseOperator(realm.operator)
  const address = URL.canParse(realm.address) ? new URL(realm.address) : undefined
  if (address?.href !== realm.address || !realm.address.endsWith('/')) {
    throw invalid('a realm address is not a normal http(s) address that ends in /')
  }
  if (address.username + address.password + address.search + address.hash !== '') {
    throw invalid('a realm address holds more than host, port and path')
  }
  if (address.protocol === 'https:') return
  if (address.protocol !== 'http:' || !isLoopback(address.hostname)) {
    throw new KeyhavenError('ERR_INSECURE_TRANSPORT', undefined)
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
}

function sortRealms(realms: readonly Realm[]): readonly Realm[] {
  return [...realms].sort((left, right) => (toHex(left.id) < toHex(right.id) ? -1 : 1))
}

function parseRealm(value: unknown): Realm {
  const { id, address, public_key, operator } = asRecord(value)
  if (typeof id !== 'string' || !/^[0-9a-fA-F]{32}$/.test(id))
    throw invalid('a realm id is not 32 hex digits')
  if (typeof address !== 'string' || !URL.canParse(address)) throw invalid('a realm address is none')
  if (public_key !== undefined && public_key !== null) {
    throw new KeyhavenError('ERR_REALM_UNSUPPORTED', { realmId: id.toLowerCase() })
  }
  return {
    id: parseHex(id.toLowerCase(), 'id'),
    address: new URL(address).href,
    ...(operator !== undefined && operator !== null && { operator: parseOperator(operator) }),
  }
}

function parseOperator(value: unknown): RealmOperator {
  const { name, jurisdiction } = asRecord(value)
  if (!isLabel(name) || !isLabel(jurisdiction)) {
    throw invalid('an operator needs a name and a jurisdiction of 1 to 64 characters')
  }
  return { name, jurisdiction }
}

/** Text for people to read: nothing in it that a terminal or a page would take for anything but letters. */
function isLabel(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u.test(value)
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('not an object')
  return value as Readonly<Record<string, unknown>>
}

function asCount(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw invalid(`${name} is not an integer`)
  return value
}

function asMode(value: unknown): PinHashingMode {
  if (value === 'Standard2019' || value === 'FastInsecure') return value
  throw invalid('pin_hashing_mode is unknown')
}

function isBetween(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

function invalid(problem: string): KeyhavenError<'ERR_CONFIGURATION_INVALID'> {
  return new KeyhavenError('ERR_CONFIGURATION_INVALID', { problem })
}
