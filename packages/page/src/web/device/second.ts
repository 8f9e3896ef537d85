/**
 * A second PIN: a level of the same person (docs/levels.md), found by number and word. Its vault is in memory alone, so that this
 * browser keeps nothing of it, and nothing that tells whether there is one.
 */
import { isKeyhavenError } from 'keyhaven'
import { equal } from 'keyhaven/crypto'
import { deriveLevel, moveKeys, normalizePin } from 'keyhaven/sync'
import { listTalkers } from './contacts.ts'
import { inviteSomebody, messengerOf } from './conversations.ts'
import { askForCode, enterCode, leave, makeVault } from './device.ts'
import type { Device } from './device.ts'
import { makeIdentity } from './keys.ts'

export interface AskedSecond {
  readonly phone: string
  /** What the server finds it by. */
  readonly level: string
  readonly requestId: string
}

/** Has a code sent; `undefined` for a text that is no word. */
export async function askForSecond(phone: string, word: string): Promise<AskedSecond | undefined> {
  const level = readWord(word)
  return level === undefined ? undefined : { phone, level, ...(await askForCode({ phone, level })) }
}

function readWord(word: string): string | undefined {
  try {
    return deriveLevel(word)
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_INPUT_INVALID')) return undefined
    throw fault
  }
}

export type Second =
  | { readonly status: 'pin-needed'; readonly device: Device }
  /** Nothing is there: the word was never used, or is mistyped. */
  | { readonly status: 'empty'; readonly device: Device }

export async function enterSecond(asked: AskedSecond, code: string): Promise<Second> {
  const vault = await makeVault({ inMemory: true })
  try {
    const device = await enterCode({ ...asked, code, vault, inMemory: true })
    const { status } = await device.sync.sync()
    return { status: status === 'no-backup' ? 'empty' : 'pin-needed', device }
  } catch (fault) {
    await vault.destroy()
    throw fault
  }
}

/** Whether two texts are one PIN; what is no PIN is none. */
export function isSamePin(one: string, other: string): boolean {
  try {
    return equal(normalizePin(one), normalizePin(other))
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_PIN_REFUSED')) return false
    throw fault
  }
}

/** Makes what was empty: an identity of its own, and a backup under its own PIN. */
export async function makeSecond(device: Device, pin: string): Promise<void> {
  await makeIdentity(device)
  await device.sync.backup({ pin })
}

/** Signs it out and forgets it, and is no device of it any more, so that its list does not grow with each opening. */
export async function closeSecond(device: Device): Promise<void> {
  try {
    await device.sync.removeDevice({ id: device.session.deviceId })
  } catch (fault) {
    if (!isKeyhavenError(fault)) throw fault
  }
  await leave(device)
}

/** What can go behind the second PIN. */
export interface Movable {
  readonly talks: readonly { readonly id: string; readonly name: string }[]
  /** Conversations of other apps, by the names of their keys. */
  readonly others: readonly string[]
}

export async function listMovable(first: Device, unnamed: string): Promise<Movable> {
  const all = await messengerOf(first).list()
  const talkers = await listTalkers(first, unnamed)
  const keys = await first.sync.keys.listKeys()
  const names = new Set(keys.flatMap(({ kind, name }) => (kind === 'conversation' ? [name] : [])))
  return {
    talks: talkers.map(({ id, name }) => ({ id, name })),
    others: [...names].filter((name) => !all.some(({ id }) => id === name)),
  }
}

/**
 * A conversation of the page's messenger belongs to the first account, and its keys lie sealed to the first identity at the server:
 * moving them would hide nothing. So it begins anew behind the second PIN, and the other person gets the link in the old one.
 */
export async function beginAnew(
  first: Device,
  second: Device,
  talk: { readonly id: string; readonly name: string; readonly say: (link: string) => string },
): Promise<void> {
  const { id } = await inviteSomebody(second, talk.name)
  const view = await messengerOf(second).read(id)
  if (view.status !== 'waiting' || view.code === undefined) return
  await messengerOf(first).send(talk.id, talk.say(`${location.origin}/#/join/${view.code}`))
}

/** Keys of other apps' conversations are nowhere else than in the backup, so they can be moved. */
export async function moveOthers(
  first: Device,
  second: Device,
  conversations: readonly string[],
): Promise<void> {
  if (conversations.length > 0) await moveKeys({ from: first.sync, to: second.sync, conversations })
}
