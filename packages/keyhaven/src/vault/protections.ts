/**
 * Adding, changing and removing ways into a vault. Each is one replacement of the head: no record is touched, and at
 * every moment some way in that worked before still works.
 *
 * A protection that was removed still opens copies of the vault from before: removal guards the present only.
 */
import { toHex } from '../crypto/bytes.ts'
import { KeyhavenError } from '../errors.ts'
import { closeContents, homeOf, lockBody, openContents, withContents } from './body.ts'
import type { Body } from './body.ts'
import { commitSlots, refresh } from './contents.ts'
import type { Contents } from './contents.ts'
import { describeVault, summarizeSlot } from './describe.ts'
import { MOST_SLOTS } from './head.ts'
import { forgetLeft } from './leavings.ts'
import type { Factor, Protection } from './protection.ts'
import type { Slot } from './slot.ts'
import { enrollSlot, forgetSlot } from './slots.ts'
import type { ProtectionSummary } from './types.ts'

export function listProtections(body: Body): Promise<readonly ProtectionSummary[]> {
  return withContents(body, async (contents) => (await refresh(contents)).head.slots.map(summarizeSlot))
}

export function addProtection(body: Body, protection: Protection): Promise<string> {
  return enroll(body, protection, (slots, slot) => {
    if (slots.length >= MOST_SLOTS) {
      throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'protections', expected: 'at most 32' })
    }
    return [...slots, slot]
  })
}

export function changeProtection(body: Body, id: string, protection: Protection): Promise<string> {
  return enroll(body, protection, (slots, slot) => {
    const replaced = requireSlot(slots, id)
    return slots.map((kept) => (kept === replaced ? slot : kept))
  })
}

export async function removeProtection(body: Body, id: string): Promise<void> {
  await withContents(body, (contents) => removeSlots(body, contents, (slots) => [requireSlot(slots, id)]))
}

/** Also from the lock screen: the device's own key is asked, which needs nobody. */
export async function forgetDevice(body: Body): Promise<void> {
  const opened = body.open === undefined ? await openAlone(body) : undefined
  try {
    const work = (contents: Contents): Promise<void> => removeSlots(body, contents, deviceSlots)
    await (opened === undefined ? withContents(body, work) : work(opened))
  } finally {
    if (opened !== undefined) closeContents(opened)
  }
  body.open?.watch.lockOthers()
  lockBody(body)
}

async function openAlone(body: Body): Promise<Contents | undefined> {
  for (const protection of body.opensAlone) {
    const opened = await openContents(body, protection)
    if (opened.status === 'unlocked') return opened.contents
  }
  return undefined
}

function deviceSlots(slots: readonly Slot[]): readonly Slot[] {
  const found = slots.filter(({ factors }) => factors.every(({ type }) => type === 'device'))
  if (found.length === 0) throw new KeyhavenError('ERR_PROTECTION_MISSING', undefined)
  return found
}

/** Makes the new slot first, which may ask the person and take long, then puts it in place under the lock. */
async function enroll(
  body: Body,
  protection: Protection,
  place: (slots: readonly Slot[], slot: Slot) => readonly Slot[],
): Promise<string> {
  return withContents(body, async (contents) => {
    const slot = await enrollSlot(homeOf(body), contents.keys.vaultKey, protection)
    try {
      await contents.storage.exclusive(contents.name, async (writer) => {
        const { head } = await refresh(contents)
        await commitSlots(contents, writer, place(head.slots, slot))
      })
    } catch (error) {
      await forgetUnlessStored(body, slot, protection.factors)
      throw error
    }
    await forgetLeft(body, contents.notes, protection.factors)
    return toHex(slot.id)
  })
}

async function removeSlots(
  body: Body,
  contents: Contents,
  choose: (slots: readonly Slot[]) => readonly Slot[],
): Promise<void> {
  await contents.storage.exclusive(contents.name, async (writer) => {
    const { slots } = (await refresh(contents)).head
    const removed = choose(slots)
    const kept = slots.filter((slot) => !removed.includes(slot))
    if (kept.length === 0) throw new KeyhavenError('ERR_PROTECTION_LAST', undefined)
    await commitSlots(contents, writer, kept)
  })
  await forgetLeft(body, contents.notes)
}

function requireSlot(slots: readonly Slot[], id: string): Slot {
  const slot = slots.find((candidate) => toHex(candidate.id) === id)
  if (slot === undefined) throw new KeyhavenError('ERR_PROTECTION_MISSING', undefined)
  return slot
}

/**
 * After a commit that failed: a storage may report a fault although the new head is in force (a folder's fsync fails
 * after the rename), and a slot that is in force must keep its device key.
 */
export async function forgetUnlessStored(
  body: Pick<Body, 'name' | 'storage' | 'vaultId' | 'keepers'>,
  slot: Slot,
  others: readonly Factor[] = [],
): Promise<void> {
  const description = await describeVault(body).catch(() => undefined)
  if (description === undefined) return
  const stored = description.status === 'present' ? description.protections : []
  if (stored.some(({ id }) => id === toHex(slot.id))) return
  // What failed first is what the caller must hear; a key that stays behind opens nothing.
  await forgetSlot(homeOf(body), slot, [...body.keepers, ...others]).catch(() => undefined)
}
