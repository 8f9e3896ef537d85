/**
 * What the authority key signs about trusted contacts (docs/protocol.md, "Contacts").
 */
import { be4, concat, lp, parseHex, sha256 } from 'keyhaven/crypto'
import { parseUuid } from '../http/uuid.ts'

/** One contact's part: whose it is, and the two sealed fields. */
export interface ContactShare {
  /** The contact's account. */
  readonly accountId: string
  /** 1681 bytes. */
  readonly names: Uint8Array
  /** 67 bytes. */
  readonly share: Uint8Array
}

/** Who the contacts are, and how many of them are needed after how long. */
export interface ContactSet {
  /** 32 hex digits. */
  readonly wayId: string
  readonly threshold: number
  readonly waitDays: number
  readonly contacts: readonly ContactShare[]
}

/** What is signed to set contacts. */
export function encodeContactsMessage(accountId: string, etag: string, set: ContactSet): Uint8Array {
  return concat(
    lp('keyhaven/contacts/v1'),
    lp(parseUuid(accountId)),
    lp(etag),
    lp(parseHex(set.wayId, 'wayId', 16)),
    be4(set.threshold),
    be4(set.waitDays),
    be4(set.contacts.length),
    ...set.contacts.flatMap((contact) => [
      lp(parseUuid(contact.accountId)),
      lp(sha256(concat(contact.names, contact.share))),
    ]),
  )
}

/** What is signed to have none any more. */
export function encodeContactsRemovalMessage(accountId: string, etag: string): Uint8Array {
  return concat(lp('keyhaven/contacts-removal/v1'), lp(parseUuid(accountId)), lp(etag))
}

/** What is signed to stop just this request (32 hex digits). */
export function encodeVetoMessage(accountId: string, requestId: string): Uint8Array {
  return concat(
    lp('keyhaven/contacts-veto/v1'),
    lp(parseUuid(accountId)),
    lp(parseHex(requestId, 'request', 16)),
  )
}
