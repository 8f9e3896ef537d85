import { KeyhavenError } from './errors.ts'

/** The fields of a JSON object, whose values the caller checks; `ERR_ENVELOPE_MALFORMED` for any other text. */
export function parseJsonFields(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text)
  if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'parameters' })
}

/** `undefined` is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
