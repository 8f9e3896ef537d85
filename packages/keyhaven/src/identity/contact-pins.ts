/**
 * What this device has seen of each contact's identity, kept in its vault: pinned at first sight, never replaced in
 * silence. Whoever hands out identities (a directory, a server) can show a wrong one the first time; comparing safety
 * numbers is what finds that, and `markVerified` is where it is noted.
 *
 * Two processes that see a contact for the first time at one moment: the later one's pin stays, and the other one is told
 * `changed` at its next check.
 */
import { be8, concat, equal, lp, toHex, utf8 } from '../crypto/bytes.ts'
import { sha256 } from '../crypto/hkdf.ts'
import { KeyhavenError } from '../errors.ts'
import type { Vault } from '../vault/index.ts'
import { createCursor } from '../vault/cursor.ts'
import { FINGERPRINT_LENGTH } from './public-identity.ts'
import { deriveOldFingerprint, verifyIdentityUpgrade } from './upgrade.ts'
import type { IdentityUpgrade } from './upgrade.ts'

const TYPE = 'keyhaven/contact-pin'
const FORMAT = 1
const MOST_CONTACT_BYTES = 256

export interface ContactPin {
  /** 32 bytes. */
  readonly fingerprint: Uint8Array
  /** Whether the person has compared safety numbers since this identity was pinned. */
  readonly verified: boolean
  /** When it was pinned, by this device's clock. */
  readonly pinnedAt: Date
}

export type PinCheck =
  /** Seen for the first time, and pinned by this call. */
  | { readonly status: 'first-use'; readonly pin: ContactPin }
  /** The one that is pinned. */
  | { readonly status: 'same'; readonly pin: ContactPin }
  /** Another one. Nothing was changed: show both, and take the new one by `accept` only when the person says so. */
  | { readonly status: 'changed'; readonly pin: ContactPin; readonly presented: Uint8Array }

/** Fingerprints are 32 bytes; a contact is named by the app, 1 to 256 bytes of UTF-8. */
export interface ContactPins {
  /** Compares what is presented as a contact's identity with the pin, or pins it. Do it before each use. */
  check(contact: string, fingerprint: Uint8Array): Promise<PinCheck>
  /**
   * Replaces the pin that the person saw by the one that he saw and accepts. When the pin is another by now: `changed`,
   * and nothing is done.
   */
  accept(
    contact: string,
    change: { readonly pinned: Uint8Array; readonly presented: Uint8Array },
  ): Promise<PinCheck>
  /**
   * Follows an upgrade that the pinned identity has vouched for; `changed` when it was another identity. The person is to
   * be told, and the new pin is not verified. Faults as of `verifyIdentityUpgrade`.
   */
  follow(
    contact: string,
    upgrade: Parameters<typeof verifyIdentityUpgrade>[0],
  ): Promise<PinCheck & { readonly upgrade: IdentityUpgrade }>
  /** Notes that the person compared safety numbers for this identity; false when it is not the pinned one. */
  markVerified(contact: string, fingerprint: Uint8Array): Promise<boolean>
  /** The pin of a contact, if there is one. */
  get(contact: string): Promise<ContactPin | undefined>
  /** Forgets a contact: the next identity is a first one again. */
  forget(contact: string): Promise<void>
}

/** The pins in a vault. `ERR_VAULT_DAMAGED` when a record is not what was written. */
export function createContactPins(vault: Vault): ContactPins {
  const pins = { read: readPin.bind(undefined, vault), keep: keepPin.bind(undefined, vault) }
  const replace = async (contact: string, pinned: Uint8Array, presented: Uint8Array): Promise<PinCheck> => {
    const fresh = newPin(presented)
    const pin = await pins.read(contact)
    if (pin === undefined) return { status: 'first-use', pin: await pins.keep(contact, fresh) }
    if (equal(pin.fingerprint, presented)) return { status: 'same', pin }
    if (!equal(pin.fingerprint, pinned)) return { status: 'changed', pin, presented: fresh.fingerprint }
    return { status: 'same', pin: await pins.keep(contact, fresh) }
  }
  return {
    check: (contact, fingerprint) => inTurn(vault, () => replace(contact, NOTHING, fingerprint)),
    accept: (contact, { pinned, presented }) => inTurn(vault, () => replace(contact, pinned, presented)),
    follow: async (contact, input) => {
      const upgrade = await verifyIdentityUpgrade(input)
      const pinned = deriveOldFingerprint(upgrade.old)
      const { fingerprint } = upgrade.identity
      return { ...(await inTurn(vault, () => replace(contact, pinned, fingerprint))), upgrade }
    },
    markVerified: (contact, fingerprint) =>
      inTurn(vault, async () => {
        const pin = await pins.read(contact)
        if (pin === undefined || !equal(pin.fingerprint, fingerprint)) return false
        await pins.keep(contact, { ...pin, verified: true })
        return true
      }),
    get: (contact) => pins.read(contact),
    forget: (contact) => inTurn(vault, () => vault.delete(recordOf(contact))),
  }
}

/** No pin has this fingerprint. */
const NOTHING = new Uint8Array()

function newPin(fingerprint: Uint8Array): ContactPin {
  if (fingerprint.length !== FINGERPRINT_LENGTH) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'fingerprint', expected: '32 bytes' })
  }
  return { fingerprint: fingerprint.slice(), verified: false, pinnedAt: new Date() }
}

/** The record's name says nothing of the contact's, of whatever characters that is. */
function recordOf(contact: string): string {
  const bytes = utf8(contact)
  if (bytes.length < 1 || bytes.length > MOST_CONTACT_BYTES || /\p{Cs}/u.test(contact)) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'contact', expected: '1 to 256 bytes of UTF-8' })
  }
  return `identity/contacts/${toHex(sha256(bytes))}`
}

async function keepPin(vault: Vault, contact: string, pin: ContactPin): Promise<ContactPin> {
  const head = Uint8Array.of(FORMAT, pin.verified ? 1 : 0)
  const bytes = concat(head, be8(pin.pinnedAt.getTime()), pin.fingerprint, lp(contact))
  await vault.put(recordOf(contact), { type: TYPE, bytes })
  return pin
}

async function readPin(vault: Vault, contact: string): Promise<ContactPin | undefined> {
  const record = await vault.get(recordOf(contact))
  if (record === undefined) return undefined
  const cursor = createCursor(record.bytes)
  const head = cursor.take(2)
  const pinnedAt = new Date(cursor.integer(8))
  const fingerprint = cursor.take(FINGERPRINT_LENGTH)
  const name = cursor.prefixed()
  cursor.end()
  const whole = record.type === TYPE && head[0] === FORMAT && equal(name, utf8(contact))
  if (!whole) throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'contact pin' })
  return { fingerprint, verified: head[1] === 1, pinnedAt }
}

const turns = new WeakMap<Vault, Promise<unknown>>()

/** Reading and writing a pin is one step for everybody who has this vault open in this process. */
function inTurn<T>(vault: Vault, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(vault) ?? Promise.resolve()).then(work, work)
  turns.set(
    vault,
    turn.catch(() => undefined),
  )
  return turn
}
