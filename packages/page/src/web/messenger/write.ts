/** Writing: texts under the key of the epoch, and a new epoch on demand. */
import { KeyhavenError, isKeyhavenError } from 'keyhaven'
import { concat, randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import { generateConversationKey, sealConversationKey } from 'keyhaven/identity'
import { headOf } from './list.ts'
import { KEY_KIND, sealText } from './message.ts'
import { keepUnsent } from './unsent.ts'
import type { Unsent } from './unsent.ts'
import { look, view } from './view.ts'
import type { Parts, Ready, View } from './view.ts'

/** So many bytes of UTF-8 has a message at most. */
export const MOST_TEXT_BYTES = 8000

/** 32 hex digits. */
export function generateMessageId(): string {
  return toHex(randomBytes(16))
}

export async function send(parts: Parts, id: string, { text, messageId }: Unsent): Promise<View> {
  requireLength({ text, field: 'text', most: MOST_TEXT_BYTES })
  await keepUnsent(parts.vault, id, { text, messageId })
  let ready = await look(parts, id)
  if ('reader' in ready && ready.list.key === undefined) {
    await startEpoch(parts, ready)
    ready = await look(parts, id)
  }
  if (!('reader' in ready)) return ready
  const { reader, list } = ready
  if (list.key === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  const sender = reader.identity.publicIdentity.fingerprint
  const bound = { conversation: id, sender, id: messageId }
  const { key, epoch } = list
  const body = await sealText(bound, { key, epoch, seen: list.heads.length - 1, head: headOf(list), text })
  await deliver(parts, id, { id: messageId, body })
  return view(parts, id)
}

export async function renew(parts: Parts, id: string): Promise<View> {
  const ready = await look(parts, id)
  if ('reader' in ready) await startEpoch(parts, ready)
  return view(parts, id)
}

/** `ERR_INPUT_INVALID` for a text that is empty or too long. */
export function requireLength(input: {
  readonly text: string
  readonly field: string
  readonly most: number
}): void {
  const { length } = utf8(input.text)
  if (length > 0 && length <= input.most) return
  const expected = `1 to ${String(input.most)} bytes of UTF-8`
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: input.field, expected })
}

async function startEpoch(parts: Parts, { reader, list }: Ready): Promise<void> {
  const { id, identity, other } = reader
  const message = await sealConversationKey({
    sender: identity,
    members: [identity.publicIdentity, other],
    conversation: id,
    epoch: list.epoch + 1,
    key: generateConversationKey(),
  })
  await deliver(parts, id, { id: generateMessageId(), body: concat(Uint8Array.of(KEY_KIND), message) })
}

/** Once more when the answer was lost: under its id the server keeps a message once. */
async function deliver(
  parts: Parts,
  id: string,
  message: { readonly id: string; readonly body: Uint8Array },
): Promise<void> {
  try {
    await parts.server.send(id, message)
  } catch (fault) {
    if (!isKeyhavenError(fault, 'ERR_SERVER_UNAVAILABLE')) throw fault
    await parts.server.send(id, message)
  }
}
