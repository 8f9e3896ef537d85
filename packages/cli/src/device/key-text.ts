/** A secret key as the text that another program wrote; which form it has is said, never guessed. */
import { isKeyhavenError } from 'keyhaven'
import { openNcryptsec, parseNsec, parseSecretKeyHex } from 'keyhaven/nostr'
import { CommandError } from '../command-line/command-error.ts'
import type { Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { PASSWORD, readSecret } from '../command-line/secret-input.ts'

/** The forms in which a record is read and written. */
export const KEY_FORMS = ['nsec', 'ncryptsec', 'hex', 'raw'] as const
export type KeyForm = (typeof KEY_FORMS)[number]

/** The text in the bytes of a file, without white space at its ends; `ERR_KEY_FILE_INVALID` when it is no UTF-8. */
export function parseText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim()
  } catch {
    throw new CommandError(
      'ERR_KEY_FILE_INVALID',
      'The file cannot be used: it is not UTF-8 text. Nothing was imported.',
    )
  }
}

/** The 32 bytes of a Nostr key; the password of an ncryptsec is read as the options say. */
export async function parseNostrKey(
  invocation: Invocation,
  form: Exclude<KeyForm, 'raw'>,
  text: string,
): Promise<Uint8Array> {
  if (form === 'nsec') return parseNsec(text)
  if (form === 'hex') return parseSecretKeyHex(text)
  const questions = ['The password of the ncryptsec']
  const password = await readSecret({ invocation, kind: PASSWORD, questions })
  try {
    return (await openNcryptsec({ ncryptsec: text, password })).secretKey
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_ENVELOPE_REJECTED')) throw rejected('ncryptsec')
    throw error
  }
}

/** For formats that have no verifier of their own. */
export function rejected(what: string): CommandError {
  return new CommandError(
    'ERR_PASSWORD_WRONG_OR_DAMAGED',
    `Wrong password, or the ${what} is damaged: its format cannot tell which. Nothing was changed.`,
    EXIT.wrongPassword,
  )
}
