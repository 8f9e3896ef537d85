/**
 * What this device shows a database that cannot check Ed25519: the write token of a generation, 32 bytes that only its root
 * key gives. The database keeps its SHA-256, and the commit of the next generation hands it on.
 */
import { be4, concat, deriveKey, lp, sha256, toHex } from '../../crypto/index.ts'
import type { Vault } from '../../vault/index.ts'
import { readState } from '../device/backup-state.ts'
import { readOutbox } from '../device/outbox.ts'

/** The token of a generation of an account (16 bytes). */
export function deriveWriteToken(input: {
  readonly account: Uint8Array
  readonly generation: number
  readonly root: Uint8Array
}): Uint8Array {
  const info = concat(lp('keyhaven/write-token/v1'), lp(input.account), be4(input.generation))
  return deriveKey({ secret: input.root, info })
}

/** The token of the backup that this vault has joined, in hex; null before it has. */
export async function readWriteToken(vault: Vault, account: Uint8Array): Promise<string | null> {
  const state = await readState(vault)
  return state === undefined ? null : toHex(deriveWriteToken({ account, ...state }))
}

/** SHA-256 (hex) of the token that the change in the outbox brings; null without a change. */
export async function readNextTokenHash(vault: Vault, account: Uint8Array): Promise<string | null> {
  const outbox = await readOutbox(vault)
  return outbox === undefined ? null : toHex(sha256(deriveWriteToken({ account, ...outbox })))
}
