/**
 * Everything that a link gives: 16 random bytes and the inviter's fingerprint. The conversation's id, the address under which the
 * server knows the invitation, and a secret by which both members prove their identities to each other come from those 16 bytes,
 * one way. So a server that shows another identity than the person's is found out, unless it has the link itself.
 */
import {
  concat,
  deriveKey,
  lp,
  parseBase64Url,
  parseHex,
  randomBytes,
  toBase64Url,
  toHex,
} from 'keyhaven/crypto'

const TOKEN_BYTES = 16
const FINGERPRINT_BYTES = 32

export type Role = 'host' | 'guest'

export interface Invite {
  /** 32 hex digits. */
  readonly id: string
  /** 64 hex digits: what the server is told. */
  readonly address: string
  /** 32 bytes, for the two members. */
  readonly secret: Uint8Array
  /** Of the inviter. */
  readonly fingerprint: Uint8Array
}

/** A new invitation, and the code that a link carries behind its `#`, where no browser sends it to a server. */
export function generateInvite(fingerprint: Uint8Array): Invite & { readonly code: string } {
  const token = randomBytes(TOKEN_BYTES)
  return { ...deriveInvite(token, fingerprint), code: toBase64Url(concat(token, fingerprint)) }
}

/** Reads a link's code; `undefined` for anything else. */
export function parseInvite(code: string): Invite | undefined {
  if (!/^[\w-]{64}$/.test(code)) return undefined
  const bytes = parseBase64Url(code, 'code')
  if (bytes.length !== TOKEN_BYTES + FINGERPRINT_BYTES) return undefined
  return deriveInvite(bytes.subarray(0, TOKEN_BYTES), bytes.slice(TOKEN_BYTES))
}

/** 32 bytes by which who has the secret knows that a member's identity is the member's. */
export function deriveProof(input: {
  readonly secret: Uint8Array
  readonly id: string
  readonly role: Role
  readonly fingerprint: Uint8Array
}): Uint8Array {
  const { secret, id, role, fingerprint } = input
  const info = concat(lp('keyhaven-page/member/v1'), parseHex(id, 'id', 16), lp(role), fingerprint)
  return deriveKey({ secret, info })
}

function deriveInvite(token: Uint8Array, fingerprint: Uint8Array): Invite {
  const derive = (name: string, length: number): Uint8Array =>
    deriveKey({ secret: token, info: lp(`keyhaven-page/invite/v1/${name}`), length })
  return {
    id: toHex(derive('id', 16)),
    address: toHex(derive('address', 32)),
    secret: derive('secret', 32),
    fingerprint,
  }
}
