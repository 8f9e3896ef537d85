/**
 * Where a request comes from: the client's address and user agent, as the access log keeps them.
 *
 * `X-Forwarded-For` is believed only as far as trusted proxies wrote it: read from the right, the first address
 * that is not a trusted proxy is the client. Everything left of it the client may have made up.
 */
import { BlockList, isIP } from 'node:net'
import { KeyhavenError } from 'keyhaven'

/** The address (IPv4 or IPv6 text) and user agent of a request. */
export interface RequestOrigin {
  readonly address: string | null
  readonly userAgent: string | null
}

const USER_AGENT_LENGTH = 256

/** Trusted proxies from addresses and CIDR ranges; `ERR_SETTING_INVALID` for anything else. */
export function parseTrustedProxies(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) addProxy(list, entry)
  return list
}

/** The client's address by the socket's peer and the forwarding header. */
export function clientAddress(input: {
  readonly peer: string | undefined
  readonly forwardedFor: string | undefined
  readonly trustedProxies: BlockList
}): string | null {
  let address = plainAddress(input.peer ?? '')
  const hops = (input.forwardedFor ?? '').split(',').reverse()
  for (const hop of hops) {
    if (address === null || !isTrusted(input.trustedProxies, address)) return address
    const next = plainAddress(hop.trim())
    if (next === null) return address
    address = next
  }
  return address
}

/** The user agent without control characters, at most 256 characters. */
export function cleanUserAgent(header: string | undefined): string | null {
  const cleaned = (header ?? '').replace(/\p{C}/gu, '')
  return cleaned === '' ? null : Array.from(cleaned).slice(0, USER_AGENT_LENGTH).join('')
}

/** The part of an address that one subscriber holds: a whole IPv4 address, or an IPv6 /64; empty for an unknown one. */
export function addressBlock(address: string | null): string {
  if (address === null || isIP(address) !== 6) return address ?? ''
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}

/** The network that an address is in, as operators hand them out: an IPv4 /24, or an IPv6 /48; empty for an unknown one. */
export function networkOf(address: string | null): string {
  const block = addressBlock(address)
  const separator = block.includes(':') ? ':' : '.'
  return block.split(separator).slice(0, 3).join(separator)
}

function plainAddress(text: string): string | null {
  const unzoned = text.replace(/%.*$/, '')
  const unmapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(unzoned)?.[1] ?? unzoned
  return isIP(unmapped) === 0 ? null : unmapped
}

function isTrusted(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

function addProxy(list: BlockList, entry: string): void {
  const [address = '', bits, ...rest] = entry.split('/')
  const family = isIP(address)
  const width = family === 6 ? 128 : 32
  const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  if (family === 0 || rest.length > 0 || !(prefix >= 0 && prefix <= width)) {
    throw new KeyhavenError('ERR_SETTING_INVALID', {
      setting: 'KEYHAVEN_TRUSTED_PROXIES',
      expected: 'addresses or CIDR ranges, separated by commas',
    })
  }
  list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4')
}
