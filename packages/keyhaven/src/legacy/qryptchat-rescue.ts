/**
 * Opens rows of `encrypted_key_backups`, which QryptChat itself never could: it kept neither the nonces nor, as salt, the
 * one that it had used. The key is PBKDF2-SHA-256 of `phone:pin`, its salt SHA-256 of `qryptchat-salt-` and the phone
 * number; the nonces follow from the known beginnings of both plaintexts (find-nonce.ts), and GCM's tag confirms them.
 *
 * A nonce whose tag is wrong means damage; no nonce means a wrong PIN or phone number, or a damaged first block. Once one
 * of the two columns confirms the key, what is wrong with the other is damage.
 */
import { openAead } from '../crypto/aead.ts'
import { utf8, wipe } from '../crypto/bytes.ts'
import { derivePbkdf2 } from '../crypto/pbkdf2.ts'
import { sha256ByPlatform } from '../crypto/platform-hkdf.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { findNonces } from './find-nonce.ts'
import type { KnownBeginning, SearchOptions } from './find-nonce.ts'
import { readText } from './qryptchat-export.ts'
import { parseFields, parseKeyPair, parseKeysByName } from './qryptchat-fields.ts'
import type { Fields, QryptChatKeys } from './qryptchat-fields.ts'
import type { QryptChatRow } from './qryptchat-row.ts'

const BLOCK = 16
const MOST_PLAINTEXT = 16 * 1024 * 1024
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

const IDENTITY_BEGINNINGS: readonly KnownBeginning[] = [{ text: '{"publicKey":"', alphabet: BASE64 }]
/** No conversation at all, then one whose id is a UUID as PostgreSQL, which made them all, prints it. */
const CONVERSATION_BEGINNINGS: readonly KnownBeginning[] = [
  { text: '{"keys":{},"time', alphabet: '' },
  { text: '{"keys":{"', alphabet: '0123456789abcdef' },
]

/** Which column: the identity's, or that of the conversations. */
export type QryptChatColumn = 'identity' | 'conversation'

/** What a rescue comes to. */
export type QryptChatRescue =
  | { readonly status: 'rescued'; readonly keys: QryptChatKeys }
  /** The PIN is right and these columns are damaged; `keys` are those of the other, if there is one. */
  | { readonly status: 'damaged'; readonly columns: readonly QryptChatColumn[]; readonly keys: QryptChatKeys }
  /** The PIN or the phone number is wrong, or the first block is damaged. */
  | { readonly status: 'rejected' }

type Column =
  | { readonly status: 'opened'; readonly fields: Fields }
  | { readonly status: 'none' | 'damaged' | 'not-found' | 'not-tried' }

/**
 * Opens a row with the phone number that it was written for (the row's own where it has one and `phone` is missing) and the
 * PIN. Takes seconds where there are conversation keys; progress counts candidates.
 *
 * With `evenIfRejected` the conversation keys are looked for even when the identity's column gave no nonce: for a row that
 * is damaged there, since otherwise a wrong PIN would take as long. `ERR_ABORTED` by the signal.
 */
export async function rescueQryptChatRow(
  input: SearchOptions & {
    readonly row: QryptChatRow
    readonly phone?: string
    readonly pin: string
    readonly evenIfRejected?: boolean
  },
): Promise<QryptChatRescue> {
  const { row, pin, evenIfRejected = false } = input
  const phone = input.phone ?? row.phoneNumber
  if (phone === undefined) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'phone', expected: 'the phone number of this row' })
  }
  const key = await deriveQryptChatKey({ phone, pin, iterations: row.iterations })
  try {
    const identity = await openColumn({
      ...input,
      key,
      sealed: row.encryptedIdentityKeys,
      beginnings: IDENTITY_BEGINNINGS,
    })
    const conversation: Column =
      identity.status === 'not-found' && !evenIfRejected
        ? { status: 'not-tried' }
        : await openColumn({
            ...input,
            key,
            sealed: row.encryptedConversationKeys,
            beginnings: CONVERSATION_BEGINNINGS,
          })
    return judge({ identity, conversation })
  } finally {
    wipe(key)
  }
}

/** QryptChat's master key, 32 bytes. */
export async function deriveQryptChatKey(input: {
  readonly phone: string
  readonly pin: string
  readonly iterations: number
}): Promise<Uint8Array> {
  const { phone, pin, iterations } = input
  const salt = await sha256ByPlatform(utf8(`qryptchat-salt-${phone}`))
  const password = utf8(`${phone}:${pin}`)
  try {
    return await derivePbkdf2({ password, salt, iterations, length: 32 })
  } finally {
    wipe(password)
  }
}

async function openColumn(
  input: SearchOptions & {
    readonly key: Uint8Array
    readonly sealed: Uint8Array | undefined
    readonly beginnings: readonly KnownBeginning[]
  },
): Promise<Column> {
  const { key, sealed, beginnings } = input
  if (sealed === undefined) return { status: 'none' }
  let found = false
  for (const beginning of beginnings) {
    for await (const nonce of findNonces({ ...input, firstBlock: sealed.subarray(0, BLOCK), beginning })) {
      found = true
      const fields = await openSealed(key, nonce, sealed)
      if (fields !== undefined) return { status: 'opened', fields }
    }
  }
  return { status: found ? 'damaged' : 'not-found' }
}

async function openSealed(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
): Promise<Fields | undefined> {
  try {
    const plaintext = await openAead({ key, nonce, associatedData: new Uint8Array(0) }, sealed)
    try {
      return parseFields(readText(plaintext), 'keys', MOST_PLAINTEXT)
    } finally {
      wipe(plaintext)
    }
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_ENVELOPE_REJECTED')) return undefined
    throw error
  }
}

function judge(columns: Readonly<Record<QryptChatColumn, Column>>): QryptChatRescue {
  const { identity, conversation } = columns
  const statuses = [identity.status, conversation.status]
  if (!statuses.includes('opened') && !statuses.includes('damaged')) return { status: 'rejected' }
  const keys = {
    identityKeys: identity.status === 'opened' ? parseKeyPair(identity.fields, '') : {},
    conversationKeys:
      conversation.status === 'opened' ? parseKeysByName(conversation.fields['keys'], 'keys') : {},
  }
  const damaged = (['identity', 'conversation'] as const).filter((name) =>
    ['damaged', 'not-found'].includes(columns[name].status),
  )
  return damaged.length === 0 ? { status: 'rescued', keys } : { status: 'damaged', columns: damaged, keys }
}
