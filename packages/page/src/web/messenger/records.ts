/** What this device keeps of a conversation in its vault, beside its keys. */

/** The head of the list as it was read last. */
export function headRecord(id: string): string {
  return `messenger/${id}`
}

/** The link's code, until somebody has joined. */
export function inviteRecord(id: string): string {
  return `messenger/${id}/invite`
}

/** What was written and has not arrived. */
export function unsentRecord(id: string): string {
  return `messenger/${id}/unsent`
}

/** How many messages of the other one were shown here. */
export function shownRecord(id: string): string {
  return `messenger/${id}/shown`
}

/** The name of the other one among the pinned contacts. */
export function contactOf(id: string): string {
  return `messenger/${id}`
}
