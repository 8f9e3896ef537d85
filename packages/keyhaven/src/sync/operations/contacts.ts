/** Everything about trusted contacts, to be loaded together. */
export { answerAsked, listAsked } from './contact-asked.ts'
export { listContacts, removeContacts, setContacts, vetoContacts } from './set-contacts.ts'
export { askContacts, endAsking, restoreWithContacts } from './with-contacts.ts'
