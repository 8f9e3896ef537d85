/** What owners, their new devices and contacts do, for tests of trusted contacts. */
import type { Identity } from 'keyhaven/identity'
import type { AskedContacts, AskedOfMe, ContactsInput, KeySyncOptions, NewContact } from 'keyhaven/sync'
import type { TestPerson } from './people.ts'

export interface Contact extends TestPerson {
  readonly name: string
  readonly identity: Identity
}

/** What an owner knows of contacts. */
export function cardsOf(contacts: readonly Contact[]): readonly NewContact[] {
  return contacts.map(({ accountId, name, identity }) => ({
    accountId,
    name,
    identity: identity.publicIdentity,
  }))
}

/** Two of them are needed. */
export function inputOf(contacts: readonly NewContact[]): ContactsInput {
  return { contacts, threshold: 2, ownerName: 'Alice' }
}

/** Asks, which must succeed. */
export async function ask(device: TestPerson, through?: Partial<KeySyncOptions>): Promise<AskedContacts> {
  const asked = await (await device.sync(through)).contacts.ask()
  if (asked.status !== 'asked') throw new Error(asked.status)
  return asked
}

/** What an owner's devices ask of a contact. */
export async function askedOf(contact: Contact, ownerId: string): Promise<readonly AskedOfMe[]> {
  const all = await (await contact.sync()).contacts.asked({ identity: contact.identity })
  return all.filter((request) => request.ownerId === ownerId)
}

/** A contact who says yes when the digits are those that he is told. */
export async function answer(
  contact: Contact,
  { owner, digits }: { readonly owner: TestPerson; readonly digits: string },
  through?: Partial<KeySyncOptions>,
): Promise<string> {
  const [request] = await askedOf(contact, owner.accountId)
  const outcome = await (
    await contact.sync(through)
  ).contacts.answer({
    identity: contact.identity,
    ownerId: owner.accountId,
    requestId: request?.requestId ?? '00'.repeat(16),
    confirm: (shown) => Promise.resolve(shown.digits === digits && shown.ownerName === 'Alice'),
  })
  return outcome.status
}
