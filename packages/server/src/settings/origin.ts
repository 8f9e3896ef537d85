/**
 * Where the server listens and under which origin clients know it.
 */
import { BlockList, isIP } from 'node:net'
import { KeyhavenError } from 'keyhaven'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** True for 127.0.0.0/8, ::1 and the name localhost. */
export function isLoopbackHost(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host.toLowerCase() === 'localhost'
  return loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** An https origin, or http on loopback, without path; `ERR_SETTING_INVALID` names `setting` otherwise. */
export function parsePublicOrigin(text: string, setting: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const secure =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(plainHost(url.hostname)))
  if (url === undefined || !secure || url.origin !== text.replace(/\/$/, '')) {
    throw new KeyhavenError('ERR_SETTING_INVALID', {
      setting,
      expected: 'an https origin such as https://keys.example, or an http one of a loopback address',
    })
  }
  return url.origin
}

/** An https address, or an http one of loopback, without a password in it; `ERR_SETTING_INVALID` names `setting` otherwise. */
export function parseSecureUrl(text: string, setting: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const secure =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(plainHost(url.hostname)))
  if (url !== undefined && secure && url.username === '' && url.password === '') return url.href
  throw new KeyhavenError('ERR_SETTING_INVALID', {
    setting,
    expected: 'an https address without a password in it, or an http one of this machine',
  })
}

/** The http origin of a listening address. */
export function formatOrigin(host: string, port: number): string {
  return `http://${isIP(host) === 6 ? `[${host}]` : host}:${String(port)}`
}

function plainHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}
