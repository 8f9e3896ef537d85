/**
 * What somebody gives to a person who trusts him with a share of the backup: account, name and public identity, as one line of
 * JSON (docs/formats.md, "Contact card, format 1"). Whoever carries it could put another identity in it: thirty digits show that.
 */
import { concat, lp } from '../crypto/bytes.ts'
import { deriveDigits } from '../crypto/digits.ts'
import { isShortText, isUuid, parseBase64, parseUuid, toBase64 } from '../crypto/text.ts'
import { KeyhavenError } from '../errors.ts'
import { parseJsonFields } from '../json-fields.ts'
import { parsePublicIdentity } from './public-identity.ts'
import type { PublicIdentity } from './public-identity.ts'

const FORMAT = 1
const MOST_CHARACTERS = 8192

export interface ContactCard {
  /** The contact's account, a UUID. */
  readonly accountId: string
  /** What the contact calls himself, 1 to 64 characters. */
  readonly name: string
  readonly identity: PublicIdentity
}

/** The card as text; it holds nothing secret. */
export function writeContactCard({ accountId, name, identity }: ContactCard): string {
  const card = { keyhavenContact: FORMAT, account: accountId, name, identity: toBase64(identity.bytes) }
  return `${JSON.stringify(card)}\n`
}

/** `ERR_ENVELOPE_MALFORMED` for what is no card, `ERR_CLIENT_TOO_OLD` for a format of the future. */
export function parseContactCard(text: string): ContactCard {
  if (text.length > MOST_CHARACTERS) throw malformed('length')
  const { keyhavenContact: format, account, name, identity } = parseJsonFields(text)
  if (typeof format === 'number' && format > FORMAT) throw new KeyhavenError('ERR_CLIENT_TOO_OLD', undefined)
  if (format !== FORMAT) throw malformed('version')
  if (typeof account !== 'string' || typeof name !== 'string' || typeof identity !== 'string') {
    throw malformed('parameters')
  }
  if (!isUuid(account) || !isShortText(name)) throw malformed('parameters')
  return { accountId: account, name, identity: parsePublicIdentity(parseBytes(identity)) }
}

/** Thirty digits of a card, which its maker reads to whom he gives it: 99 bits, so no other card is made to have them. */
export function deriveCardDigits({ accountId, identity }: Omit<ContactCard, 'name'>): string {
  const account = parseUuid(accountId, 'accountId')
  const secret = concat(account, identity.fingerprint)
  return deriveDigits({ secret, info: lp('keyhaven/contact-card-digits/v1'), groups: 6 })
}

function parseBytes(text: string): Uint8Array {
  try {
    return parseBase64(text, 'identity')
  } catch {
    throw malformed('parameters')
  }
}

function malformed(problem: 'length' | 'version' | 'parameters'): KeyhavenError {
  return new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem })
}
