/** The calls about trusted contacts, for their three parties: the owner of a backup, his new device, and each contact. */
import type { OperationInput } from './key-sync-input.ts'
import type { OwnIdentity } from './format/contact-share.ts'
import { loadContacts } from './operations.ts'
import type * as Contacts from './operations/contacts.ts'
import type { AnswerOutcome, AskedOfMe } from './operations/contact-asked.ts'
import type {
  ContactRequest,
  ContactsInput,
  ContactsOutcome,
  ContactsRemovalOutcome,
  TrustedContacts,
} from './operations/set-contacts.ts'
import type { AskContactsOutcome, ContactRestoreOutcome } from './operations/with-contacts.ts'
import type { Run } from './run-operation.ts'
import type { SyncContext } from './steps/context.ts'

export interface ContactCalls {
  /**
   * Shares a way into the backup among people, in the place of those that had shares before: `threshold` of them together open it
   * for a device that asks, fewer learn nothing. Only a device that has joined can: else `ERR_AUTHORITY_REQUIRED`.
   * `ERR_SERVER_REFUSED` with the rule `ERR_NOT_FOUND` where the server has no contacts, as over Supabase.
   */
  set(input: OperationInput & ContactsInput): Promise<ContactsOutcome>
  /** Takes them out of use: a new root key that their way does not open. Only a device that has joined can. */
  remove(input?: OperationInput): Promise<ContactsRemovalOutcome>
  /** Who they are, and what is asked of them now. Only a device that has joined can tell. */
  list(input?: OperationInput): Promise<{
    readonly set: TrustedContacts | undefined
    readonly requests: readonly ContactRequest[]
  }>
  /** Stops what is asked of them: the request with this id, or all. Only a device that has joined can. */
  stop(
    input?: OperationInput & { readonly id?: string },
  ): Promise<{ readonly status: 'stopped'; readonly count: number } | { readonly status: 'nothing-asked' }>
  /**
   * Asks the contacts, from a new device that is signed in, or says how that stands. They can answer after a wait, in which the
   * account's other devices are told and can stop it. The person calls each contact and reads the digits to him.
   */
  ask(input?: OperationInput): Promise<AskContactsOutcome>
  /** As `restore`, once enough contacts have answered. Give the backup a PIN again by `changePin`. */
  restore(input?: OperationInput): Promise<ContactRestoreOutcome>
  /** Takes back what this device asked. */
  endAsking(input?: OperationInput): Promise<{ readonly status: 'ended' | 'not-asked' }>
  /** What people ask of this person as their contact; `identity` is the one that his card had. */
  asked(input: OperationInput & { readonly identity: OwnIdentity }): Promise<readonly AskedOfMe[]>
  /**
   * Gives the share once `confirm` says that the person who asks, in his own voice, reads out the same thirty digits. Whoever says
   * yes to other digits, or to a stranger, gives it to somebody else. `ERR_ENVELOPE_REJECTED` when the share does not open.
   */
  answer(
    input: OperationInput & {
      readonly identity: OwnIdentity
      readonly ownerId: string
      readonly requestId: string
      readonly confirm: (asked: { readonly digits: string; readonly ownerName: string }) => Promise<boolean>
    },
  ): Promise<AnswerOutcome>
}

/** The calls, each an operation of its own. */
export function createContactCalls(run: Run): ContactCalls {
  const call = <T>(
    input: OperationInput,
    work: (of: typeof Contacts, context: SyncContext) => Promise<T>,
  ): Promise<T> => run(input, async (context) => work(await loadContacts(), context))
  return {
    set: (input) => call(input, (of, context) => of.setContacts(context, input)),
    remove: (input = {}) => call(input, (of, context) => of.removeContacts(context)),
    list: (input = {}) => call(input, (of, context) => of.listContacts(context)),
    stop: (input = {}) => call(input, (of, context) => of.vetoContacts(context, input.id)),
    ask: (input = {}) => call(input, (of, context) => of.askContacts(context)),
    restore: (input = {}) => call(input, (of, context) => of.restoreWithContacts(context)),
    endAsking: (input = {}) => call(input, (of, context) => of.endAsking(context)),
    asked: (input) => call(input, (of, context) => of.listAsked(context, input.identity)),
    answer: (input) => call(input, (of, context) => of.answerAsked(context, input)),
  }
}
