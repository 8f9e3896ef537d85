/**
 * Trusted contacts over the API, for tests; what is sealed are random bytes, which the server cannot tell from a share.
 */
import { randomBytes, toBase64 } from 'keyhaven/crypto'
import { encodeContactsMessage } from '../contacts/messages.ts'
import type { TestAnswer, TestDevice } from './app.ts'
import { prove } from './backups.ts'
import type { TestBackup } from './backups.ts'
import { randomId } from './segments.ts'

/** Sets contacts, signed; `changed` is what is sent in the place of what was signed. */
export function putContacts(
  device: TestDevice,
  backup: Pick<TestBackup, 'etag'>,
  accountIds: readonly string[],
  changed: Readonly<Record<string, unknown>> = {},
): Promise<TestAnswer> {
  const contacts = accountIds.map((accountId) => ({
    accountId,
    names: randomBytes(1681),
    share: randomBytes(67),
  }))
  const set = { wayId: randomId(), threshold: 2, waitDays: 0, contacts }
  const { etag } = backup
  const json = {
    ...set,
    etag,
    contacts: contacts.map(({ accountId, names, share }) => ({
      accountId,
      names: toBase64(names),
      share: toBase64(share),
    })),
    ...changed,
  }
  const headers = prove(device, encodeContactsMessage(device.accountId, etag, set))
  return device.send('/v1/contacts', { method: 'PUT', json, headers })
}

/** Asks under this id, or a new one; says the id. */
export async function askContacts(device: TestDevice, id: string = randomId()): Promise<string> {
  await putRequest(device, id)
  return id
}

/** The same; says the answer. */
export function putRequest(
  device: TestDevice,
  id: string,
  publicKey: Uint8Array = new Uint8Array(1216).fill(7),
): Promise<TestAnswer> {
  const json = { publicKey: toBase64(publicKey) }
  return device.send(`/v1/contacts/requests/${id}`, { method: 'PUT', json })
}

/** Answers as a contact. */
export function answerAsked(
  contact: TestDevice,
  { owner, id }: { readonly owner: Pick<TestDevice, 'accountId'>; readonly id: string },
): Promise<TestAnswer> {
  const json = { answer: toBase64(randomBytes(1188)) }
  return contact.send(`/v1/contacts/asked/${owner.accountId}/${id}`, { method: 'PUT', json })
}
