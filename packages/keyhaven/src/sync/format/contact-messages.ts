/**
 * What the authority key signs about trusted contacts (docs/protocol.md, "Contacts"), and the digits by which a contact knows that
 * the key which he seals his share to is that of the person who asks.
 */
import { be4, concat, lp, parseHex, sha256, signEd25519, toHex } from '../../crypto/index.ts'
import { deriveDigits } from '../../crypto/digits.ts'
import { parseUuid } from '../../crypto/text.ts'
import type { SealedContactShare } from './contact-share.ts'
import type { Signer } from './upload-proofs.ts'

/** What the server keeps of an account's contacts. */
export interface OutgoingContacts {
  /** The pointer's etag: a set of an earlier state of the backup cannot be put back. */
  readonly etag: string
  /** 32 hex digits. */
  readonly wayId: string
  readonly threshold: number
  /** Whole days that what is asked of them waits; the server's own wait is the least. */
  readonly waitDays: number
  /** Each contact's account (UUID), and what is sealed to him. */
  readonly contacts: readonly (SealedContactShare & { readonly accountId: string })[]
}

/** The signature (hex) that sets contacts. */
export function signContacts({ account, seed }: Signer, set: OutgoingContacts): string {
  const message = concat(
    lp('keyhaven/contacts/v1'),
    lp(account),
    lp(set.etag),
    lp(parseHex(set.wayId, 'wayId', 16)),
    be4(set.threshold),
    be4(set.waitDays),
    be4(set.contacts.length),
    ...set.contacts.flatMap(({ accountId, names, share }) => [
      lp(parseUuid(accountId, 'accountId')),
      lp(sha256(concat(names, share))),
    ]),
  )
  return toHex(signEd25519({ seed, message }))
}

/** The signature (hex) that removes them. */
export function signContactsRemoval({ account, seed }: Signer, etag: string): string {
  const message = concat(lp('keyhaven/contacts-removal/v1'), lp(account), lp(etag))
  return toHex(signEd25519({ seed, message }))
}

/** The signature (hex) that stops a request (32 hex digits). */
export function signVeto({ account, seed }: Signer, requestId: string): string {
  const message = concat(
    lp('keyhaven/contacts-veto/v1'),
    lp(account),
    lp(parseHex(requestId, 'requestId', 16)),
  )
  return toHex(signEd25519({ seed, message }))
}

/**
 * Thirty digits of a request, which the person who asks reads to his contact: 99 bits of the key, the request and the account, so
 * that a server which puts a key of its own there has 2^99 tries before it.
 */
export function deriveContactDigits(request: {
  /** 16 bytes. */
  readonly account: Uint8Array
  readonly requestId: string
  /** 1216 bytes. */
  readonly publicKey: Uint8Array
}): string {
  const info = concat(
    lp('keyhaven/contact-digits/v1'),
    lp(request.account),
    lp(parseHex(request.requestId, 'requestId', 16)),
  )
  return deriveDigits({ secret: request.publicKey, info, groups: 6 })
}
