/**
 * Where a PKCS#11 token is: a URI as RFC 7512 has it, of which these parts are taken:
 * `pkcs11:token=LABEL?module-path=/usr/lib/…/module.so&pin-source=file:/etc/keyhaven/token-pin`.
 */
import { KeyhavenError } from 'keyhaven'

export interface TokenAddress {
  readonly label: string
  /** The token's own library. */
  readonly modulePath: string
  /** A file that holds the token's PIN, so that no setting does. */
  readonly pinFile: string
}

/** `ERR_SETTING_INVALID` where a part is missing, unknown or given twice. */
export function parseTokenAddress(text: string, setting: string): TokenAddress {
  const [, path = '', query = ''] = /^pkcs11:([^?]*)\?(.*)$/.exec(text) ?? []
  const parts = [...path.split(';'), ...query.split('&')].map((part) => /^([a-z-]+)=(.+)$/.exec(part))
  const values = new Map(parts.map((part) => [part?.[1], decode(part?.[2])]))
  const label = values.get('token')
  const modulePath = values.get('module-path')
  const pinFile = values.get('pin-source')?.replace(/^file:(?:\/\/)?/, '')
  const isWhole = parts.length === 3 && values.size === 3
  if (isWhole && label !== undefined && isPath(modulePath) && isPath(pinFile)) {
    return { label, modulePath, pinFile }
  }
  throw new KeyhavenError('ERR_SETTING_INVALID', {
    setting,
    expected: 'a URI such as pkcs11:token=LABEL?module-path=/PATH/TO/MODULE.so&pin-source=file:/PATH/TO/PIN',
  })
}

function isPath(path: string | undefined): path is string {
  return path?.startsWith('/') === true
}

function decode(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return undefined
  }
}
