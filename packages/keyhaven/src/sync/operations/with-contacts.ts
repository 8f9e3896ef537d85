/**
 * Restoring through trusted contacts: a new device asks, its person reads thirty digits to each contact, and once enough of them
 * have answered the way's seed is put together here and nowhere else.
 */
import { loadXWing, randomBytes, toHex, wipe } from '../../crypto/index.ts'
import type { Vault } from '../../vault/index.ts'
import { readState } from '../device/backup-state.ts'
import { encodeCbor, parseCborMap } from '../format/cbor.ts'
import { deriveContactDigits } from '../format/contact-messages.ts'
import { openContactAnswer, unlessForeign } from '../format/contact-share.ts'
import type { ContactShare } from '../format/contact-share.ts'
import { recordDamaged } from '../format/fields.ts'
import { combineSeed } from '../format/seed-shares.ts'
import type { CombinedSeed } from '../format/seed-shares.ts'
import type { WayRestoreOutcome } from '../outcomes.ts'
import type { SyncContext } from '../steps/context.ts'
import type { ServedContactRequest } from '../transport/contacts.ts'
import { unlessNotFound } from '../transport/not-found.ts'
import { restoreWithSeed } from './restore.ts'
import { atLeastTry } from './synchronise.ts'

/** What this device asks for, sealed in its vault until it has restored. */
const RECORD = 'sync/contacts'

/** How a request of this device stands. */
export interface AskedContacts {
  readonly status: 'asked'
  /** Six groups of five digits: the person reads them to each contact, who must see the same. */
  readonly digits: string
  /** ISO 8601, by the server's clock: from then on contacts can answer. */
  readonly dueAt: string
  /** Until then they can. */
  readonly expiresAt: string
  readonly answers: number
  /** How many must answer, and of how many, as the server says. */
  readonly threshold: number
  readonly contacts: number
}

export type AskContactsOutcome =
  | AskedContacts
  /** The backup has no trusted contacts, or there is no backup. */
  | { readonly status: 'no-contacts' }

export type ContactRestoreOutcome =
  | (Extract<WayRestoreOutcome, { readonly status: 'restored' }> & {
      /** Names of contacts who gave something else than their share. */
      readonly wrongShares: readonly string[]
    })
  | Exclude<WayRestoreOutcome, { readonly status: 'restored' }>
  /** Not enough true shares yet; `answers` came so far. */
  | { readonly status: 'too-few'; readonly answers: number; readonly dueAt: string }
  /** This device has not asked. */
  | { readonly status: 'not-asked' }
  /** A device that has the backup stopped it, the contacts were changed, or its time is over. */
  | { readonly status: 'stopped' }

/** Asks, or says how it stands. The same request goes on until it is answered, stopped or over. */
export async function askContacts(context: SyncContext): Promise<AskContactsOutcome> {
  const { transport, signal, vault } = context
  const { set } = await (await transport.contacts()).read(signal)
  if (set === undefined) {
    await vault.delete(RECORD)
    return { status: 'no-contacts' }
  }
  const known = await readAsk(vault)
  const going = known && (await readRequest(context, known))
  const ask = (going && known) ?? (await keepNewAsk(vault))
  const { deriveXWingPublicKey } = await loadXWing()
  const publicKey = deriveXWingPublicKey(ask.seed)
  const request = going ?? (await (await transport.contacts()).ask({ id: ask.id, publicKey }, signal))
  return {
    status: 'asked',
    digits: deriveContactDigits({ account: context.account, requestId: ask.id, publicKey }),
    dueAt: request.dueAt,
    expiresAt: request.expiresAt,
    answers: going?.answers.length ?? 0,
    threshold: set.threshold,
    contacts: set.contacts.length,
  }
}

/** Takes back what this device asked. */
export async function endAsking(context: SyncContext): Promise<{ readonly status: 'ended' | 'not-asked' }> {
  const ask = await readAsk(context.vault)
  if (ask === undefined) return { status: 'not-asked' }
  await forgetAsk(context, ask)
  return { status: 'ended' }
}

/** Restores once enough contacts have answered. */
export async function restoreWithContacts(context: SyncContext): Promise<ContactRestoreOutcome> {
  const ask = await readAsk(context.vault)
  if (ask === undefined) return { status: 'not-asked' }
  const request = await readRequest(context, ask)
  if (request === undefined) {
    await context.vault.delete(RECORD)
    return { status: 'stopped' }
  }
  const { dueAt, answers } = request
  const { shares, unreadable } = await openAnswers(context, ask, answers)
  const combined = await combineSeed(shares)
  if (combined === undefined) return { status: 'too-few', answers: answers.length, dueAt }
  try {
    const restored = await restoreWithSeed(context, combined.seed)
    if (restored.status !== 'restored') return restored
    // It is restored by now; a request that stays is over by itself.
    await atLeastTry(() => forgetAsk(context, ask))
    const wrong = [...unreadable, ...combined.wrong]
    return { ...restored, wrongShares: await namesOf(context, combined, wrong) }
  } finally {
    wipe(combined.seed)
  }
}

interface Ask {
  readonly id: string
  /** Of the key that contacts seal to, 32 bytes. */
  readonly seed: Uint8Array
}

async function readAsk(vault: Vault): Promise<Ask | undefined> {
  const record = await vault.get(RECORD)
  if (record === undefined) return undefined
  const fields = parseCborMap(record.bytes, recordDamaged)
  return { id: toHex(fields.bytes('id', 16)), seed: fields.bytes('seed', 32) }
}

/** Kept before it is asked: an answer to a key that is lost would be none. */
async function keepNewAsk(vault: Vault): Promise<Ask> {
  const [id, seed] = [randomBytes(16), randomBytes(32)]
  await vault.put(RECORD, { type: 'keyhaven/contacts', bytes: encodeCbor({ id, seed }) })
  return { id: toHex(id), seed }
}

async function forgetAsk({ transport, vault, signal }: SyncContext, { id }: Ask): Promise<void> {
  await (await transport.contacts()).endRequest(id, signal)
  await vault.delete(RECORD)
}

type ReadRequest = ServedContactRequest & {
  readonly answers: readonly { readonly place: number; readonly answer: Uint8Array }[]
}

async function readRequest(
  { transport, signal }: SyncContext,
  { id }: Ask,
): Promise<ReadRequest | undefined> {
  return (await transport.contacts()).readRequest(id, signal).catch(unlessNotFound)
}

/** The server knows which contact answered: what names another place in it than his is as good as none. */
async function openAnswers(
  { account }: SyncContext,
  ask: Ask,
  answers: ReadRequest['answers'],
): Promise<{ readonly shares: readonly ContactShare[]; readonly unreadable: readonly number[] }> {
  const shares: ContactShare[] = []
  const unreadable: number[] = []
  for (const { place, answer } of answers) {
    const sealed = { account, requestId: ask.id, seed: ask.seed, answer }
    const share = await openContactAnswer(sealed).catch(unlessForeign)
    if (share?.place === place) shares.push(share)
    else unreadable.push(place)
  }
  return { shares, unreadable }
}

/** By the log, which is open now: the server could say that another contact gave it. */
async function namesOf(
  { vault }: SyncContext,
  { wayId }: CombinedSeed,
  places: readonly number[],
): Promise<readonly string[]> {
  const way = (await readState(vault))?.ways.find(({ id }) => id === wayId)
  return places.map((place) => way?.contacts?.members[place - 1]?.name ?? String(place))
}
