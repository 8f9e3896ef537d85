/**
 * Reads what QryptChat left: exports of its PrivateKeyManager, rows of `encrypted_key_backups` that it could never restore
 * itself, and the keys in a browser's storage. It opens, and changes nothing; docs/qryptchat.md says how it is used.
 */
import { parseQryptChatExport } from './qryptchat-export.ts'
import type { QryptChatExport } from './qryptchat-export.ts'
import { malformed } from './qryptchat-fields.ts'
import { MOST_TEXT, parseQryptChatRow } from './qryptchat-row.ts'
import type { QryptChatRow } from './qryptchat-row.ts'

export type { SearchOptions } from './find-nonce.ts'
export { openQryptChatExport, parseQryptChatExport } from './qryptchat-export.ts'
export type { QryptChatExport, QryptChatExportOpening } from './qryptchat-export.ts'
export type { QryptChatKeys } from './qryptchat-fields.ts'
export { deriveQryptChatKey, rescueQryptChatRow } from './qryptchat-rescue.ts'
export type { QryptChatColumn, QryptChatRescue } from './qryptchat-rescue.ts'
export { parseQryptChatRow } from './qryptchat-row.ts'
export type { QryptChatRow } from './qryptchat-row.ts'
export { migrateQryptChat, readQryptChatStorage } from './qryptchat-storage.ts'
export type { KeyReceiver, QryptChatMigration, QryptChatPlace } from './qryptchat-storage.ts'

/** An export, or a row. */
export type QryptChatFile =
  | { readonly kind: 'export'; readonly file: QryptChatExport }
  | { readonly kind: 'row'; readonly row: QryptChatRow }

/**
 * Reads a file: an export is an object with `encryptedKeys`, a row one with columns. `ERR_LEGACY_MALFORMED` names the field
 * that is not in the format.
 */
export function parseQryptChatFile(text: string): QryptChatFile {
  if (text.length > MOST_TEXT) throw malformed('file')
  if (hasField(text, 'encryptedKeys')) return { kind: 'export', file: parseQryptChatExport(text) }
  return { kind: 'row', row: parseQryptChatRow(text) }
}

function hasField(text: string, field: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && Object.hasOwn(value, field)
  } catch {
    throw malformed('file')
  }
}
