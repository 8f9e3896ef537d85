/**
 * The keys of apps that sign realm tokens of their own: `KEYHAVEN_TENANTS`, a JSON object
 * `{ tenant: { version: { "algorithm", "encoding", "data" } } }`.
 *
 * `HS256` has a shared secret of at least 32 bytes, `EdDSA` and `RS256` a public key as DER (SubjectPublicKeyInfo).
 *
 * Whoever can check an HS256 token can make one, for every realm that knows the secret. A realm that is one of several
 * operators' therefore takes such a secret only with `"onlyHere": true`, the word of its operator that no other has it.
 */
import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import { KeyhavenError } from 'keyhaven'
import { parseBase64, parseHex } from 'keyhaven/crypto'

export type TenantAlgorithm = 'HS256' | 'EdDSA' | 'RS256'

/** What verifies one tenant's tokens of one key version. */
export interface TenantKey {
  readonly algorithm: TenantAlgorithm
  /** The secret, or the public key as DER. */
  readonly data: Uint8Array
}

/** By a token's `kid`: `tenant:version`. */
export type TenantKeys = ReadonlyMap<string, TenantKey>

/** Ours; its key is derived from the token key. */
export const OWN_TENANT = 'keyhaven'
const SHORTEST_SECRET = 32
const SHORTEST_RSA_BITS = 2048

const schema = z.record(
  z.string().regex(/^(test-)?[a-zA-Z0-9]+$/),
  z.record(
    z.string().regex(/^(0|[1-9]\d{0,9})$/),
    z.strictObject({
      algorithm: z.enum(['HS256', 'EdDSA', 'RS256']),
      encoding: z.enum(['hex', 'base64']),
      data: z.string(),
      onlyHere: z.literal(true).optional(),
    }),
  ),
)

/**
 * Reads and checks every key; `ERR_SETTING_INVALID` names `setting` and what was expected. A server with accounts is the
 * tenant `keyhaven` itself; one that is only a realm is told that tenant's key like any other's.
 */
export function parseTenants(text: string, setting: string, realmOnly = false): TenantKeys {
  const parsed = schema.safeParse(parseJson(text))
  if (!parsed.success) {
    refuse(setting, 'JSON such as {"acme":{"1":{"algorithm":"HS256","encoding":"hex","data":"…"}}}')
  }
  if (!realmOnly && Object.hasOwn(parsed.data, OWN_TENANT))
    refuse(setting, `another tenant than ${OWN_TENANT}, the server’s own`)
  const keys = new Map<string, TenantKey>()
  for (const [tenant, versions] of Object.entries(parsed.data)) {
    for (const [version, { algorithm, encoding, data, onlyHere }] of Object.entries(versions)) {
      if (realmOnly && algorithm === 'HS256' && onlyHere !== true) refuse(setting, SHARED)
      const bytes = decode(setting, encoding, data)
      if (!isUsable(algorithm, bytes)) refuse(setting, EXPECTED[algorithm])
      keys.set(`${tenant}:${version}`, { algorithm, data: bytes })
    }
  }
  return keys
}

const SHARED =
  'EdDSA or RS256, because who knows an HS256 secret can make its tokens; or "onlyHere": true beside a secret that no other realm has'

const EXPECTED: Readonly<Record<TenantAlgorithm, string>> = {
  HS256: 'a secret of at least 32 bytes for HS256',
  EdDSA: 'an Ed25519 public key as DER (SubjectPublicKeyInfo) for EdDSA',
  RS256: 'an RSA public key of at least 2048 bits as DER (SubjectPublicKeyInfo) for RS256',
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function decode(setting: string, encoding: 'hex' | 'base64', data: string): Uint8Array {
  try {
    return encoding === 'hex' ? parseHex(data.toLowerCase(), setting) : parseBase64(data, setting)
  } catch {
    return refuse(setting, `data in ${encoding}`)
  }
}

function isUsable(algorithm: TenantAlgorithm, bytes: Uint8Array): boolean {
  if (algorithm === 'HS256') return bytes.length >= SHORTEST_SECRET
  const key = parsePublicKey(bytes)
  if (algorithm === 'EdDSA') return key?.asymmetricKeyType === 'ed25519'
  return (
    key?.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= SHORTEST_RSA_BITS
  )
}

function parsePublicKey(bytes: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

function refuse(setting: string, expected: string): never {
  throw new KeyhavenError('ERR_SETTING_INVALID', { setting, expected })
}
