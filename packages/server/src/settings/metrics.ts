/**
 * Where metrics are read: `KEYHAVEN_METRICS`, an address and a port of their own, and who may.
 */
import { resolve } from 'node:path'
import { KeyhavenError } from 'keyhaven'
import { isLoopbackHost } from './origin.ts'

export const METRICS_VARIABLE = 'KEYHAVEN_METRICS'
export const METRICS_TOKEN_VARIABLE = 'KEYHAVEN_METRICS_TOKEN_FILE'

export interface MetricsSettings {
  readonly host: string
  /** 0 lets the system choose a free one. */
  readonly port: number
  /** A file whose text a scraper shows as bearer token; `undefined` on loopback only. */
  readonly tokenFile: string | undefined
}

/** `ERR_SETTING_INVALID` for an address that others than this machine reach, without a token. */
export function parseMetrics(
  env: Readonly<Record<string, string | undefined>>,
  read: <Value>(
    env: Readonly<Record<string, string | undefined>>,
    name: string,
    parse: (text: string) => Value,
  ) => Value | undefined,
): MetricsSettings | undefined {
  const address = read(env, METRICS_VARIABLE, parseAddress)
  const tokenFile = read(env, METRICS_TOKEN_VARIABLE, (text) => resolve(text))
  if (address === undefined) {
    if (tokenFile !== undefined) refuse(METRICS_VARIABLE, 'the address that the token belongs to')
    return undefined
  }
  if (tokenFile === undefined && !isLoopbackHost(address.host)) {
    refuse(METRICS_TOKEN_VARIABLE, 'a file with a token, because KEYHAVEN_METRICS is not a loopback address')
  }
  return { ...address, tokenFile }
}

function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || !(port <= 65535))
    refuse(METRICS_VARIABLE, 'an address and a port such as 127.0.0.1:9464')
  return { host, port }
}

function refuse(setting: string, expected: string): never {
  throw new KeyhavenError('ERR_SETTING_INVALID', { setting, expected })
}
