/**
 * A guess for somebody who is not registered takes the way of any other, so that it is neither cheaper nor told by its
 * time alone: a place, a turn, a commit that waits for the disk, and an evaluation whose result is dropped.
 *
 * The answer says that nobody is registered, to whoever has a token for the record. Alike is what an observer of the line
 * can time; for our own users a counted guess still has a row of the access log more.
 */
import { randomBytes } from 'keyhaven/crypto'
import type { Decision, Registration } from 'keyhaven/recovery/realm'
import { LENGTHS, generateScalar, groupNoble } from 'keyhaven/recovery/realm'
import type { Transaction } from '../db/database.ts'

const oprfPrivateKey = generateScalar(groupNoble)

/** Nobody's registration, another one in each process. */
export const DECOY: Registration = {
  oprfPrivateKey,
  signedPublicKey: {
    publicKey: groupNoble.multiplyBase(oprfPrivateKey),
    verifyingKey: randomBytes(LENGTHS.verifyingKey),
    signature: randomBytes(LENGTHS.signature),
  },
  unlockKeyCommitment: randomBytes(LENGTHS.unlockKeyCommitment),
  encryptionKeyShare: generateScalar(groupNoble),
  encryptedSecret: randomBytes(LENGTHS.encryptedSecret),
  encryptedSecretCommitment: randomBytes(LENGTHS.encryptedSecretCommitment),
}

/** About what the update of a record writes. */
const WRITTEN_BYTES = 1024

/** True for a guess where nothing is registered. */
export function isUnknownGuess(decision: Decision): boolean {
  if (decision.kind !== 'respond') return false
  const { kind, status } = decision.response
  return kind === 'recover2' && status === 'not-registered'
}

/** Makes the transaction one that the commit has to write down, without a row anywhere. */
export function commitDecoy(transaction: Transaction): void {
  transaction.send("SELECT pg_logical_emit_message(true, 'keyhaven', $1::bytea)", [
    new Uint8Array(WRITTEN_BYTES),
  ])
}
