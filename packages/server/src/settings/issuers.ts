/**
 * Outside issuers by whose tokens people sign in: `KEYHAVEN_ISSUERS`, a JSON object `{ issuer: { "audience", "keys" } }`.
 */
import { z } from 'zod'
import { KeyhavenError } from 'keyhaven'
import { parseSecureUrl } from './origin.ts'

export const ISSUERS_VARIABLE = 'KEYHAVEN_ISSUERS'

/** By a token's `iss`, which has to be just this text. */
export type Issuers = ReadonlyMap<
  string,
  {
    /** What a token's `aud` has to be. */
    readonly audience: string
    /** Where the issuer publishes its keys (a JWK set). */
    readonly keys: string
  }
>

const schema = z.record(
  z.string().min(1).max(512),
  z.strictObject({ audience: z.string().min(1).max(512), keys: z.string().max(2048) }),
)

/** Checks every address; `ERR_SETTING_INVALID` names the setting. */
export function parseIssuers(text: string, setting: string): Issuers {
  const parsed = schema.safeParse(parseJson(text))
  const entries = Object.entries(parsed.data ?? {})
  if (entries.length < 1 || entries.length > 16) {
    throw new KeyhavenError('ERR_SETTING_INVALID', {
      setting,
      expected:
        'JSON such as {"https://id.example":{"audience":"my-app","keys":"https://id.example/jwks.json"}}',
    })
  }
  return new Map(
    entries.map(([issuer, { audience, keys }]) => [
      issuer,
      { audience, keys: parseSecureUrl(keys, setting) },
    ]),
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
