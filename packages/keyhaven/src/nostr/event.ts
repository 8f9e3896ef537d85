/**
 * Nostr events (NIP-01): their id, and their signature by a key in a vault.
 */
import { parseHex, toHex } from '../crypto/text.ts'
import { utf8 } from '../crypto/bytes.ts'
import { sha256 } from '../crypto/hkdf.ts'
import { verifySchnorr } from '../crypto/schnorr.ts'
import { KeyhavenError } from '../errors.ts'
import type { Vault } from '../vault/types.ts'
import { NOSTR_RECORD } from './keys.ts'

/** What an app fills in. */
export interface EventTemplate {
  readonly kind: number
  /** Seconds since 1970. */
  readonly created_at: number
  readonly tags: readonly (readonly string[])[]
  readonly content: string
}

export interface SignedEvent extends EventTemplate {
  readonly id: string
  readonly pubkey: string
  readonly sig: string
}

/**
 * Signs an event by a vault's Nostr key, which does not leave the vault. Only the template's own fields are taken.
 * `ERR_INPUT_INVALID` for an event that is none.
 */
export async function signEvent(input: {
  readonly vault: Pick<Vault, 'use'>
  readonly event: EventTemplate
  readonly record?: string
}): Promise<SignedEvent> {
  const record = input.record ?? NOSTR_RECORD
  const { kind, created_at, tags, content } = copyTemplate(input.event)
  const pubkey = toHex(await input.vault.use(record, 'schnorr-public-key', undefined))
  const message = deriveEventHash({ kind, created_at, tags, content, pubkey })
  const sig = toHex(await input.vault.use(record, 'schnorr-sign', { message }))
  return { kind, created_at, tags, content, pubkey, id: toHex(message), sig }
}

/** Whether an event's id and signature are right. */
export function verifyEvent(event: SignedEvent): boolean {
  try {
    const message = deriveEventHash(event)
    const publicKey = parseHex(event.pubkey, 'pubkey', 32)
    const signature = parseHex(event.sig, 'sig', 64)
    return toHex(message) === event.id && verifySchnorr({ signature, message, publicKey })
  } catch {
    return false
  }
}

function deriveEventHash(event: EventTemplate & { readonly pubkey: string }): Uint8Array {
  const fields = [0, event.pubkey, event.created_at, event.kind, event.tags, event.content]
  return sha256(utf8(JSON.stringify(fields)))
}

/**
 * The template's own fields, each read once and copied, so that what was checked is what is signed, whatever the page's
 * object does meanwhile. `ERR_INPUT_INVALID` for what is no event.
 */
export function copyTemplate(event: EventTemplate): EventTemplate {
  const { kind, created_at, tags, content } = event as { readonly [K in keyof EventTemplate]: unknown }
  const copied = Array.isArray(tags) ? tags.map(copyTag) : [undefined]
  const sound =
    isCount(kind, 0xffff) &&
    isCount(created_at, Number.MAX_SAFE_INTEGER) &&
    typeof content === 'string' &&
    copied.every((tag) => tag !== undefined)
  if (!sound) throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'event', expected: 'a NIP-01 event' })
  return { kind, created_at, tags: copied, content }
}

function copyTag(tag: unknown): readonly string[] | undefined {
  const parts: unknown[] | undefined = Array.isArray(tag) ? [...(tag as readonly unknown[])] : undefined
  return parts?.every((part) => typeof part === 'string') === true ? parts : undefined
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
}
