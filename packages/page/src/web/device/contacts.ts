/** Trusted contacts: whom a person can choose, what he guards for others, and what is asked of him. */
import { isKeyhavenError } from 'keyhaven'
import { parseUtf8 } from 'keyhaven/crypto'
import type { Identity } from 'keyhaven/identity'
import { deriveCardDigits, parseContactCard, writeContactCard } from 'keyhaven/identity/contact-card'
import type { AskedOfMe, NewContact } from 'keyhaven/sync'
import { readSelf } from '../messenger/members.ts'
import { messengerOf } from './conversations.ts'
import type { Device } from './device.ts'

/** Days that a request can be made to wait, the usual one first. */
export const WAITS = [7, 14, 30, 90] as const
export const MOST_CONTACTS = 10

/** Where key sync keeps what this device asks of contacts (docs/formats.md). */
const ASKED_RECORD = 'sync/contacts'

/** Somebody with whom there is a conversation; a contact only once the digits were compared. */
export interface Talker {
  /** Of the conversation. */
  readonly id: string
  readonly name: string
  readonly contact: NewContact | undefined
}

/** More than half: one can be missing of three, two of five. */
export function proposeEnough(people: number): number {
  return Math.max(2, Math.floor(people / 2) + 1)
}

export async function listTalkers(device: Device, unnamed: string): Promise<readonly Talker[]> {
  const messenger = messengerOf(device)
  const all = await messenger.list()
  const talkers = await Promise.all(
    all.map(async ({ id, other, name = unnamed }): Promise<Talker | undefined> => {
      const partner = other === undefined ? undefined : await messenger.partner(id)
      if (other === undefined || partner === undefined) return undefined
      const { identity, compared } = partner
      return { id, name, contact: compared ? { accountId: other, name, identity } : undefined }
    }),
  )
  return talkers.filter((talker) => talker !== undefined)
}

/** A card and its thirty digits; `undefined` for a text that is none. */
export function readCard(
  text: string,
): { readonly contact: NewContact; readonly digits: string } | undefined {
  try {
    const card = parseContactCard(text.trim())
    return { contact: card, digits: deriveCardDigits(card) }
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_CLIENT_TOO_OLD') || !isKeyhavenError(fault)) throw fault
    return undefined
  }
}

/** What this person gives to somebody who wants him as a contact. */
export async function makeCard(
  { sync }: Pick<Device, 'sync'>,
  name: string,
): Promise<{ readonly text: string; readonly digits: string }> {
  const { identity } = await readSelf(sync.keys)
  const card = { accountId: sync.accountId, name, identity }
  return { text: writeContactCard(card), digits: deriveCardDigits(card) }
}

/** What this person opens his parts with. */
export async function readIdentity({ sync }: Pick<Device, 'sync'>): Promise<Identity> {
  return (await readSelf(sync.keys)).private
}

/** What people ask of this person, what is not answered yet first. */
export async function readAsked({ sync }: Pick<Device, 'sync'>): Promise<readonly AskedOfMe[]> {
  const asked = await sync.contacts.asked({ identity: await readIdentity({ sync }) })
  return [...asked].sort((left, right) => Number(left.answered) - Number(right.answered))
}

/** The accounts for which this person guards a part. */
export async function listGuarded({ session }: Pick<Device, 'session'>): Promise<readonly string[]> {
  const { bytes } = await session.request({ method: 'GET', path: '/v1/account' })
  const { contactOf } = JSON.parse(parseUtf8(bytes)) as { readonly contactOf?: unknown }
  return Array.isArray(contactOf) ? contactOf.filter((id) => typeof id === 'string') : []
}

/** What this person calls the accounts that he has conversations with. */
export async function readNames(device: Device): Promise<ReadonlyMap<string, string>> {
  const all = await messengerOf(device).list()
  return new Map(
    all.flatMap(({ other, name }) => (other === undefined || name === undefined ? [] : [[other, name]])),
  )
}

/** Whether this device has asked contacts and not heard the end of it. */
export async function hasAsked({ vault }: Pick<Device, 'vault'>): Promise<boolean> {
  return (await vault.list()).some(({ name }) => name === ASKED_RECORD)
}
