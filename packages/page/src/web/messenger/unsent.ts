/**
 * What was written and has not arrived, in the vault of this device: it is there after a reload and is sent again under the same
 * id, under which the server keeps a message once.
 */
import { parseUtf8, utf8 } from 'keyhaven/crypto'
import type { Vault } from 'keyhaven/vault'
import { unsentRecord } from './records.ts'

export interface Unsent {
  /** 32 hex digits. */
  readonly messageId: string
  readonly text: string
}

export async function readUnsent(vault: Vault, id: string): Promise<readonly Unsent[]> {
  const record = await vault.get(unsentRecord(id))
  // Written by this page alone: the vault lets nothing else in.
  return record === undefined ? [] : (JSON.parse(parseUtf8(record.bytes)) as readonly Unsent[])
}

/** Adds a text, unless it is there. */
export async function keepUnsent(vault: Vault, id: string, unsent: Unsent): Promise<void> {
  const others = (await readUnsent(vault, id)).filter(({ messageId }) => messageId !== unsent.messageId)
  await write(vault, id, [...others, unsent])
}

/** Takes out what arrived, or what the person gives up. */
export async function dropUnsent(
  vault: Vault,
  id: string,
  gone: (messageId: string) => boolean,
): Promise<void> {
  const all = await readUnsent(vault, id)
  const rest = all.filter(({ messageId }) => !gone(messageId))
  if (rest.length < all.length) await write(vault, id, rest)
}

async function write(vault: Vault, id: string, all: readonly Unsent[]): Promise<void> {
  const name = unsentRecord(id)
  if (all.length === 0) await vault.delete(name)
  else await vault.put(name, { type: 'messenger/unsent', bytes: utf8(JSON.stringify(all)) })
}
