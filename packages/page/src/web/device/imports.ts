/** Keys that other apps left: QryptChat's export files, and what PubPay keeps in this browser on this origin. */
import { isKeyhavenError } from 'keyhaven'
import { toHex } from 'keyhaven/crypto'
import { inspectPubPay, migratePubPay, openPubPay } from 'keyhaven/legacy/pubpay'
import type { PubPayFinding, PubPayOpening } from 'keyhaven/legacy/pubpay'
import { openQryptChatExport, parseQryptChatFile } from 'keyhaven/legacy/qryptchat'
import type { Device } from './device.ts'
import { bringNostrKey } from './keys.ts'

const place = { localStorage, sessionStorage }

/** What PubPay left here. An entry of that name that is not PubPay's is none of ours. */
export function findPubPay(): PubPayFinding {
  try {
    return inspectPubPay(place)
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_LEGACY_MALFORMED')) return { mode: 'nothing' }
    throw fault
  }
}

/** Takes PubPay's key over, and leaves PubPay's own copy until the key is backed up: {@link removePubPay}. */
export async function takePubPay(device: Device, password?: string): Promise<PubPayOpening['status']> {
  const opened = await openPubPay({ ...place, ...(password !== undefined && { password }) })
  if (opened.status !== 'opened') return opened.status
  await bringNostrKey(device, { as: 'hex', text: toHex(opened.secretKey) })
  opened.secretKey.fill(0)
  return 'opened'
}

/** Removes PubPay's copy, once the vault has given the same key back. */
export async function removePubPay({ vault }: Pick<Device, 'vault'>, password?: string): Promise<void> {
  await migratePubPay({ ...place, vault, ...(password !== undefined && { password }) })
}

export type QryptChatImport =
  | { readonly status: 'imported'; readonly count: number }
  /** The password is wrong, or the file is damaged. */
  | { readonly status: 'rejected' }
  /** A row of QryptChat's database: `keyhaven import qryptchat` opens those. */
  | { readonly status: 'row' }

/** Takes over the keys in a file that QryptChat's settings page wrote. */
export async function takeQryptChat(
  { sync }: Pick<Device, 'sync'>,
  { text, password }: { readonly text: string; readonly password: string },
): Promise<QryptChatImport> {
  const found = parseQryptChatFile(text)
  if (found.kind === 'row') return { status: 'row' }
  const opened = await openQryptChatExport({ file: found.file, password })
  if (opened.status === 'rejected') return opened
  await sync.keys.importKeys(opened.keys)
  const keys = Object.values(opened.keys.identityKeys)
  for (const key of keys) key.fill(0)
  return { status: 'imported', count: keys.length }
}
