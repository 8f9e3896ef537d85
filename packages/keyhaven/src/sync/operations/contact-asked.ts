/**
 * The contact's side: who asks for the shares that people gave him, and giving one. The one thing that no machine can do for him
 * is to hear the digits from the person himself.
 */
import { wipe } from '../../crypto/index.ts'
import { deriveContactDigits } from '../format/contact-messages.ts'
import {
  openContactNames,
  openContactShare,
  sealContactAnswer,
  unlessForeign,
} from '../format/contact-share.ts'
import type { ContactNames, OwnIdentity } from '../format/contact-share.ts'
import { parseAccountId } from '../steps/context.ts'
import type { SyncContext } from '../steps/context.ts'
import type { ServedAsked } from '../transport/contacts.ts'
import { unlessNotFound } from '../transport/not-found.ts'

/** What somebody asks of this contact; times are ISO 8601, by the server's clock. */
export interface AskedOfMe {
  /** The account that asks, a UUID. */
  readonly ownerId: string
  /** 32 hex digits. */
  readonly requestId: string
  /** Who asks, as that person wrote it when he gave the share; none when it was sealed to another identity. */
  readonly ownerName: string | undefined
  /** What the device that asks calls itself. */
  readonly label: string
  readonly requestedAt: string
  /** From then on it can be answered. */
  readonly dueAt: string
  /** True when the server gives the share. */
  readonly due: boolean
  readonly answered: boolean
}

export type AnswerOutcome =
  /** The digits were the same, and the share is with the server, sealed to the device that asked. */
  | { readonly status: 'answered' }
  /** They were not: nothing was given. */
  | { readonly status: 'refused' }
  | { readonly status: 'waiting'; readonly dueAt: string }
  /** It was stopped, answered by him already, is over, or never was. */
  | { readonly status: 'not-asked' }

/** Everything that is asked of this person now. */
export async function listAsked(context: SyncContext, identity: OwnIdentity): Promise<readonly AskedOfMe[]> {
  const asked = await (await context.transport.contacts()).readAsked(context.signal)
  return Promise.all(
    asked.map(async (request) => ({
      ownerId: request.ownerId,
      requestId: request.id,
      ownerName: (await readNames(request, identity))?.owner,
      label: request.label,
      requestedAt: request.requestedAt,
      dueAt: request.dueAt,
      due: request.share !== undefined,
      answered: request.answered,
    })),
  )
}

/** Gives the share, if the person confirms that the digits are those that he heard. `ERR_ENVELOPE_REJECTED` when it does not open. */
export async function answerAsked(
  context: SyncContext,
  input: {
    readonly identity: OwnIdentity
    readonly ownerId: string
    readonly requestId: string
    readonly confirm: (asked: { readonly digits: string; readonly ownerName: string }) => Promise<boolean>
  },
): Promise<AnswerOutcome> {
  const { transport, signal } = context
  const { identity, ownerId, requestId } = input
  const asked = await (await transport.contacts()).readAsked(signal)
  const found = asked.find((request) => request.ownerId === ownerId && request.id === requestId)
  if (found === undefined || found.answered) return { status: 'not-asked' }
  const { names, share: sealed, publicKey, dueAt } = found
  if (sealed === undefined) return { status: 'waiting', dueAt }
  const account = parseAccountId(ownerId)
  const { owner } = await openContactNames({ account, identity, names })
  const share = await openContactShare({ account, identity, names, share: sealed })
  try {
    const digits = deriveContactDigits({ account, requestId, publicKey })
    if (!(await input.confirm({ digits, ownerName: owner }))) return { status: 'refused' }
    const answer = await sealContactAnswer({ account, requestId, publicKey, share })
    const calls = await transport.contacts()
    const sending = calls.answer({ ownerId, id: requestId, answer }, signal)
    return { status: (await sending.then(() => 'answered' as const).catch(unlessNotFound)) ?? 'not-asked' }
  } finally {
    wipe(share.point)
  }
}

/** One that does not open keeps no other from being shown: anybody can name anybody a contact. */
async function readNames(
  { ownerId, names }: ServedAsked,
  identity: OwnIdentity,
): Promise<ContactNames | undefined> {
  return openContactNames({ account: parseAccountId(ownerId), identity, names }).catch(unlessForeign)
}
