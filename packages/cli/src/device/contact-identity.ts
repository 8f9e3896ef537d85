/** The identity that people seal shares to: an identity key as any other, so that the person's own backup has it. */
import { generateIdentity, parseIdentity, writeIdentity } from 'keyhaven/identity'
import type { Identity } from 'keyhaven/identity'
import type { KeySync } from 'keyhaven/sync'

const NAME = 'keyhaven-contact'

/** The identity of this device's person, if there is one. */
export async function readContactIdentity({ keys }: KeySync): Promise<Identity | undefined> {
  const { identityKeys } = await keys.exportKeys()
  const found = identityKeys[NAME]
  return found && parseIdentity(found)
}

/** The same; made now where there is none. */
export async function openContactIdentity(sync: KeySync): Promise<Identity> {
  const known = await readContactIdentity(sync)
  if (known !== undefined) return known
  const identity = await generateIdentity()
  await sync.keys.importKeys({ identityKeys: { [NAME]: writeIdentity(identity) }, conversationKeys: {} })
  return identity
}
