/** A server that does not know, or no longer knows, what a request is about: often that is an answer, and no fault. */
import { isKeyhavenError } from '../../errors.ts'

export function isNotFound(fault: unknown): boolean {
  return isKeyhavenError(fault, 'ERR_SERVER_REFUSED') && fault.details.rule === 'ERR_NOT_FOUND'
}

/** For `catch`: `undefined` then; any other fault is thrown again. */
export function unlessNotFound(fault: unknown): undefined {
  if (!isNotFound(fault)) throw fault
}

/** False when the server does not know what it was asked about. */
export async function isFound(asking: Promise<void>): Promise<boolean> {
  return (await asking.then(() => true).catch(unlessNotFound)) ?? false
}
