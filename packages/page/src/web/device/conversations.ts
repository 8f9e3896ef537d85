/** The messenger of this device: each key that it adds or takes away goes to the backup by itself. */
import { isKeyhavenError } from 'keyhaven'
import { openMessenger } from '../messenger/messenger.ts'
import type { JoinOutcome } from '../messenger/meet.ts'
import type { Messenger } from '../messenger/messenger.ts'
import type { Device } from './device.ts'

export { MOST_TEXT_BYTES, generateMessageId } from '../messenger/write.ts'

/** Such a name always fits: three bytes for each at most. */
export const MOST_NAME_CHARACTERS = 60

const opened = new WeakMap<Device, Messenger>()

export function messengerOf(device: Device): Messenger {
  const known = opened.get(device)
  if (known !== undefined) return known
  const { vault, session, sync } = device
  const noted = (changed: boolean): boolean => {
    if (changed) void backUp(device)
    return changed
  }
  const messenger = openMessenger({
    vault,
    session,
    keys: {
      ...sync.keys,
      addConversationKey: async (name, key) => noted(await sync.keys.addConversationKey(name, key)),
      removeConversationKey: async (which) => noted(await sync.keys.removeConversationKey(which)),
    },
  })
  opened.set(device, messenger)
  return messenger
}

/** Now, if it can be; else with the next backup, and Home says that something is missing until then. */
export async function backUp({ sync }: Pick<Device, 'sync'>): Promise<void> {
  try {
    await sync.sync()
  } catch (fault) {
    if (!isKeyhavenError(fault)) throw fault
  }
}

/** Begins a conversation with somebody whom this person calls `name`; its key is backed up before the link is out. */
export async function inviteSomebody(device: Device, name: string): Promise<{ readonly id: string }> {
  const messenger = messengerOf(device)
  const { id } = await messenger.invite()
  await messenger.rename(id, name)
  await backUp(device)
  return { id }
}

/** Joins by a link's code, and calls who sent it `name`. */
export async function joinByLink(
  device: Device,
  { code, name }: { readonly code: string; readonly name: string },
): Promise<JoinOutcome> {
  const messenger = messengerOf(device)
  const outcome = await messenger.join(code)
  if (outcome.status !== 'joined') return outcome
  await messenger.rename(outcome.id, name)
  await backUp(device)
  return outcome
}
