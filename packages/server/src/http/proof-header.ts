/**
 * The header `Keyhaven-Proof` of the routes below /v1: the authority key's signature, 128 hex digits.
 */
import { parseWith } from './body.ts'
import type { ApiContext } from './services.ts'
import { signatureShape } from './shapes.ts'

/** The signature, if there is one; `ERR_BODY_MALFORMED` when it is none. */
export function readProof(context: ApiContext): string | undefined {
  const header = context.req.header('keyhaven-proof')
  return header === undefined ? undefined : parseWith(signatureShape, header)
}
