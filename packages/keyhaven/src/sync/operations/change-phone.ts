/**
 * Changes the account's phone number: with a code that was sent to the new one, signed by the authority key.
 */
import { concat, lp, parseHex, signEd25519, toHex, utf8 } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import { catchUp, isInUse, retryConflicts } from '../steps/catch-up.ts'
import type { SyncContext } from '../steps/context.ts'
import { keepSession, readSession } from '../device/session-record.ts'
import { settle } from '../steps/settle.ts'

/** The new number, and the code that `requestSignInCode` had sent to it: for this session's level, if it has one. */
export interface PhoneChange {
  readonly phone: string
  readonly requestId: string
  readonly code: string
}

/** The new number in E.164. `ERR_AUTHORITY_REQUIRED` when there is a backup and this device has not joined it. */
export async function changePhone(context: SyncContext, change: PhoneChange): Promise<string> {
  const { transport, vault, signal } = context
  const { level } = transport
  const proof = await retryConflicts(() => signChange(context, change.phone))
  const phone = await transport.changePhone(
    { ...change, level, ...(proof !== undefined && { proof }) },
    signal,
  )
  const session = await readSession(vault)
  if (session !== undefined) await keepSession(vault, { ...session, phone })
  return phone
}

async function signChange(context: SyncContext, phone: string): Promise<string | undefined> {
  const { pointer, state } = await settle(context)
  if (!isInUse(pointer)) return undefined
  const current = state && (await catchUp(context, pointer, state))
  if (current === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
  const { level } = context.transport
  const message = concat(
    lp('keyhaven/phone-change/v1'),
    lp(context.account),
    lp(utf8(phone)),
    lp(utf8(pointer.etag ?? '')),
    ...(level === undefined ? [] : [lp(parseHex(level, 'level', 32))]),
  )
  return toHex(signEd25519({ seed: current.authoritySeed, message }))
}
