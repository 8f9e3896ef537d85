/**
 * Trusted contacts, as a device that has the backup sees them: a way in whose seed nobody has whole, shared among people. Setting
 * them, who they are, stopping what is asked of them.
 *
 * The way is listed before its shares are at the server, and former ones are removed last: a device that is killed in between
 * leaves a way that opens nothing or the former contacts beside the new ones, and setting them again tidies up.
 */
import { randomBytes, toHex, wipe } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import { formatUuid, isShortText } from '../../crypto/text.ts'
import type { BackupState } from '../device/backup-state.ts'
import { signContacts, signContactsRemoval, signVeto } from '../format/contact-messages.ts'
import { sealContactShare } from '../format/contact-share.ts'
import type { ContactIdentity } from '../format/contact-share.ts'
import { LEAST_THRESHOLD, MOST_CONTACTS, splitSeed } from '../format/seed-shares.ts'
import { retryConflicts } from '../steps/catch-up.ts'
import type { PointerInUse } from '../steps/catch-up.ts'
import { parseAccountId } from '../steps/context.ts'
import type { SyncContext } from '../steps/context.ts'
import { readOpenBackup } from '../steps/open-backup.ts'
import type { LeftBehind } from '../outcomes.ts'
import { leftBehind, rotate } from './change-generation.ts'
import { unlessNotFound } from '../transport/not-found.ts'
import { addSeededWay } from './ways-change.ts'

const MOST_WAIT_DAYS = 90
const TYPE = 'contacts'
const NOTHING_LEFT: LeftBehind = { oldRegistrationRemainsOn: [] }

/** Somebody who gets a share. */
export interface NewContact {
  /** The contact's account, a UUID. */
  readonly accountId: string
  /** What the owner calls him, 1 to 64 characters. */
  readonly name: string
  /** His `PublicIdentity`, compared with him: whoever could put another one there would have the share. */
  readonly identity: ContactIdentity
}

export interface ContactsInput {
  /** 2 to 10, each another account and another identity. */
  readonly contacts: readonly NewContact[]
  /** How many of them together open the backup: at least 2. */
  readonly threshold: number
  /** What contacts read when somebody asks: 1 to 64 characters. */
  readonly ownerName: string
  /** Days that a request waits, 0 to 90; the server's own cooling period is the least. */
  readonly waitDays?: number
}

export type ContactsOutcome =
  | ({
      readonly status: 'set'
      /** 32 hex digits. */
      readonly wayId: string
    } & LeftBehind)
  | { readonly status: 'no-backup' }

export type ContactsRemovalOutcome =
  ({ readonly status: 'removed' } & LeftBehind) | { readonly status: 'no-contacts' }

/** What a device asks of the contacts; times are ISO 8601, by the server's clock. */
export interface ContactRequest {
  /** 32 hex digits. */
  readonly id: string
  readonly device: string
  readonly label: string
  readonly requestedAt: string
  /** From then on contacts can answer. */
  readonly dueAt: string
  readonly answers: number
}

/** The contacts of a backup. */
export interface TrustedContacts {
  readonly wayId: string
  readonly threshold: number
  readonly members: readonly {
    readonly accountId: string
    readonly name: string
    /** False when the server has no share for him: his account was closed. */
    readonly present: boolean
  }[]
}

/** Shares a new way among the contacts, in the place of those that there are. */
export async function setContacts(context: SyncContext, input: ContactsInput): Promise<ContactsOutcome> {
  requireContacts(context, input)
  const { transport, signal } = context
  // Before anything is made: a server without contacts says so here.
  await (await transport.contacts()).read(signal)
  const seed = randomBytes(32)
  try {
    const { threshold, contacts } = input
    const members = contacts.map(({ accountId, name, identity }) => ({
      account: parseAccountId(accountId),
      name,
      fingerprint: identity.fingerprint,
    }))
    const way = { type: TYPE, label: 'Trusted contacts', seed, contacts: { threshold, members } }
    const added = await addSeededWay(context, way)
    if (added === undefined) return { status: 'no-backup' }
    await sendShares(context, { ...input, wayId: added.id, seed })
    const left = await rotateWithout(context, ({ id }) => id !== added.id)
    return { status: 'set', wayId: added.id, ...(left ?? NOTHING_LEFT) }
  } finally {
    wipe(seed)
  }
}

/** Removes them: a new root key that is not sealed to their way, and nothing of theirs at the server. */
export async function removeContacts(context: SyncContext): Promise<ContactsRemovalOutcome> {
  const { transport, signal } = context
  const served = await (await transport.contacts()).read(signal)
  const left = await rotateWithout(context, () => true)
  if (left === undefined && served.set === undefined) return { status: 'no-contacts' }
  await retryConflicts(async () => {
    const { pointer, state } = await requireOpen(context)
    const signer = { account: context.account, seed: state.authoritySeed }
    await (await transport.contacts()).remove(signContactsRemoval(signer, pointer.etag ?? ''), signal)
  })
  return { status: 'removed', ...(left ?? NOTHING_LEFT) }
}

/** Who the contacts are by the log, and what is asked of them by the server. */
export async function listContacts(context: SyncContext): Promise<{
  readonly set: TrustedContacts | undefined
  readonly requests: readonly ContactRequest[]
}> {
  const { state } = await requireOpen(context)
  const { set, requests } = await (await context.transport.contacts()).read(context.signal)
  const way = state.ways.find(({ id, type }) => type === TYPE && id === set?.wayId)
  const known = new Set(set?.contacts.map(({ place, accountId }) => `${String(place)} ${accountId}`))
  const members = way?.contacts?.members.map(({ account, name }, index) => {
    const accountId = formatUuid(account)
    return { accountId, name, present: known.has(`${String(index + 1)} ${accountId}`) }
  })
  return {
    set: way?.contacts && members && { wayId: way.id, threshold: way.contacts.threshold, members },
    requests: requests.map(({ id, device, label, requestedAt, dueAt, answers }) => ({
      id,
      device,
      label,
      requestedAt,
      dueAt,
      answers,
    })),
  }
}

/** Stops what is asked: that one, or everything. Says how many requests it stopped. */
export async function vetoContacts(
  context: SyncContext,
  id?: string,
): Promise<{ readonly status: 'stopped'; readonly count: number } | { readonly status: 'nothing-asked' }> {
  const { transport, signal, account } = context
  const { state } = await requireOpen(context)
  const { requests } = await (await transport.contacts()).read(signal)
  const chosen = requests.filter((request) => id === undefined || request.id === id)
  if (chosen.length === 0) return { status: 'nothing-asked' }
  for (const request of chosen) {
    const signature = signVeto({ account, seed: state.authoritySeed }, request.id)
    // Another device may have stopped it meanwhile.
    await (await transport.contacts()).veto({ id: request.id, signature }, signal).catch(unlessNotFound)
  }
  return { status: 'stopped', count: chosen.length }
}

async function sendShares(
  context: SyncContext,
  input: ContactsInput & { readonly wayId: string; readonly seed: Uint8Array },
): Promise<void> {
  const { transport, account, signal } = context
  const { contacts, threshold, wayId, waitDays = 0 } = input
  const points = await splitSeed(input.seed, { count: contacts.length, threshold })
  const sealed = await Promise.all(
    contacts.map(async ({ accountId, name, identity }, index) => {
      const share = { wayId, place: index + 1, threshold, point: points[index] ?? new Uint8Array() }
      const names = { owner: input.ownerName, contact: name }
      return { accountId, ...(await sealContactShare({ account, contact: identity, names, share })) }
    }),
  ).finally(() => {
    wipe(...points)
  })
  await retryConflicts(async () => {
    const { pointer, state } = await requireOpen(context)
    const set = { etag: pointer.etag ?? '', wayId, threshold, waitDays, contacts: sealed }
    const proof = signContacts({ account, seed: state.authoritySeed }, set)
    await (await transport.contacts()).set({ ...set, proof }, signal)
  })
}

/** Starts a generation without those of the contacts' ways; `undefined` when there is none of them. */
async function rotateWithout(
  context: SyncContext,
  isOut: (way: { readonly id: string }) => boolean,
): Promise<LeftBehind | undefined> {
  const { state } = await readOpenBackup(context)
  const out = (state?.ways ?? []).filter((way) => way.type === TYPE && isOut(way)).map(({ id }) => id)
  if (out.length === 0) return undefined
  const changed = await rotate(context, undefined, new Set(out))
  return changed.status === 'rotated' ? leftBehind(changed) : undefined
}

async function requireOpen(
  context: SyncContext,
): Promise<{ readonly pointer: PointerInUse; readonly state: BackupState }> {
  const { pointer, state } = await readOpenBackup(context)
  if (pointer === undefined || state === undefined) {
    throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
  }
  return { pointer, state }
}

function requireContacts({ transport }: SyncContext, input: ContactsInput): void {
  const { contacts, threshold, ownerName, waitDays = 0 } = input
  const check = (fine: boolean, field: string, expected: string): void => {
    if (!fine) throw new KeyhavenError('ERR_INPUT_INVALID', { field, expected })
  }
  const accounts = new Set(contacts.map(({ accountId }) => accountId))
  const identities = new Set(contacts.map(({ identity }) => toHex(identity.fingerprint)))
  const different = accounts.size === contacts.length && identities.size === contacts.length
  const enough = contacts.length >= LEAST_THRESHOLD && contacts.length <= MOST_CONTACTS
  check(enough && different, 'contacts', '2 to 10, each another account and identity')
  check(!accounts.has(transport.accountId), 'contacts', 'other people’s accounts')
  check(
    contacts.every(({ name }) => isShortText(name)),
    'name',
    '1 to 64 characters',
  )
  check(isShortText(ownerName), 'ownerName', '1 to 64 characters')
  const between = Number.isInteger(threshold) && threshold >= LEAST_THRESHOLD && threshold <= contacts.length
  check(between, 'threshold', '2 to the number of contacts')
  check(Number.isInteger(waitDays) && waitDays >= 0 && waitDays <= MOST_WAIT_DAYS, 'waitDays', '0 to 90')
}
