/**
 * Whether a person still has the PIN in mind, asked on this device and at no guess's cost. Only when the app opts in.
 *
 * The price: a verifier of the PIN lies in the vault, and whoever opens the vault (with device protection: the thief of an
 * unencrypted disk) can try all six-digit PINs against it in minutes. He has the keys by then; what he gains is the PIN. So
 * it is stretched as a vault's password is, bound to the PIN's way in, and gone when the PIN changes.
 */
import type { Argon2id } from '../../crypto/argon2.ts'
import { be8, concat, equal, equalConstantTime, lp, parseHex, wipe } from '../../crypto/index.ts'
import { isKeyhavenError } from '../../errors.ts'
import { loadModule } from '../../load-module.ts'
import { normalizePin } from '../../strength/pin-text.ts'
import type { Vault } from '../../vault/index.ts'
import { ARGON2ID_DEFAULT, parsePasswordParameters } from '../../vault/protection/password-parameters.ts'
import { readState } from '../device/backup-state.ts'
import { createByteReader } from '../format/byte-reader.ts'
import { recordDamaged } from '../format/fields.ts'
import { inTurn } from '../device/records.ts'
import { WAY_ID_BYTES } from '../format/slot.ts'

const RECORD = 'sync/pin-verifier'
const FORMAT = 1
const PARAMETERS_LENGTH = 26
const VERIFIER_LENGTH = 32
const HOUR_MS = 3_600_000
/** Hours until the next reminder: longer after each right answer, and one step back after a wrong one. */
const INTERVALS = [12, 24, 72, 168, 336]

export type PinCheck =
  /** `next` is when to ask again. */
  | { readonly status: 'right'; readonly next: Date }
  /** Costs nothing. When it stays wrong, offer `changePin`, which does not ask for the old one. */
  | { readonly status: 'wrong'; readonly next: Date }
  /** Nobody opted in, or the PIN was changed since. */
  | { readonly status: 'not-remembered' }

export interface PinReminder {
  /**
   * Whether this is the backup's PIN, as far as this device knows: a PIN that another device changed is known after the
   * next `backup()`. Needs `rememberPin` when the PIN was last used; asks no server. Takes one Argon2id of 64 MiB.
   */
  checkPin(pin: string): Promise<PinCheck>
  /** When to ask the person again; `undefined` when nobody opted in. A suggestion, never a reason to demand a new PIN. */
  nextPinReminder(): Promise<Date | undefined>
  /** Removes what `rememberPin` kept. */
  forgetPin(): Promise<void>
}

interface Verifier {
  /** The id of the PIN's way in, 16 bytes. */
  readonly way: Uint8Array
  /** As the slot of a password stores them. */
  readonly parameters: Uint8Array
  readonly verifier: Uint8Array
  /** Which of the intervals runs. */
  readonly step: number
  readonly next: Date
}

/** {@link PinReminder.checkPin} of a vault. */
export function checkPin(vault: Vault, pin: string, argon2id: Argon2id | undefined): Promise<PinCheck> {
  return inTurn(vault, 'keys', () => check(vault, pin, argon2id))
}

/** {@link PinReminder.nextPinReminder} of a vault. */
export async function readNextPinReminder(vault: Vault): Promise<Date | undefined> {
  return (await readVerifier(vault))?.next
}

/** {@link PinReminder.forgetPin} of a vault. */
export function forgetPin(vault: Vault): Promise<void> {
  return inTurn(vault, 'keys', () => vault.delete(RECORD))
}

/** Keeps a verifier of a PIN (normalised) that has just opened or made the backup; the first reminder is in 12 hours. */
export async function rememberPin(vault: Vault, pin: Uint8Array, argon2id?: Argon2id): Promise<void> {
  const way = await readPinWay(vault)
  if (way === undefined) return
  const { enrollPassword } = await loadModule(import('../../vault/protection/password-stretching.ts'))
  const asked = { kdf: 'argon2id', ...ARGON2ID_DEFAULT, parallelism: 1 } as const
  const { parameters, secret: verifier } = await enrollPassword(bind(pin), asked, { ...asked, argon2id })
  await keep(vault, { way, parameters, verifier, ...schedule(0) })
}

/** Removes a verifier that is of another PIN than the backup's. */
export async function dropStaleVerifier(vault: Vault): Promise<void> {
  await readVerifier(vault)
}

async function check(vault: Vault, pin: string, argon2id: Argon2id | undefined): Promise<PinCheck> {
  const kept = await readVerifier(vault)
  if (kept === undefined) return { status: 'not-remembered' }
  const right = await matches(kept, pin, argon2id)
  const after = schedule(right ? kept.step + 1 : kept.step - 1)
  await keep(vault, { ...kept, ...after })
  return { status: right ? 'right' : 'wrong', next: after.next }
}

async function matches(kept: Verifier, typed: string, argon2id: Argon2id | undefined): Promise<boolean> {
  let pin: Uint8Array
  try {
    pin = normalizePin(typed)
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_PIN_REFUSED')) return false
    throw fault
  }
  const { openPassword } = await loadModule(import('../../vault/protection/password-stretching.ts'))
  const verifier = await openPassword(bind(pin), kept.parameters, argon2id)
  wipe(pin)
  return equalConstantTime(verifier, kept.verifier)
}

function schedule(asked: number): Pick<Verifier, 'step' | 'next'> {
  const step = Math.min(Math.max(asked, 0), INTERVALS.length - 1)
  return { step, next: new Date(Date.now() + (INTERVALS[step] ?? 0) * HOUR_MS) }
}

function bind(pin: Uint8Array): Uint8Array {
  return concat(lp('keyhaven/pin-verifier/v1'), pin)
}

/** The PIN's way in of the backup that this device has joined. */
async function readPinWay(vault: Vault): Promise<Uint8Array | undefined> {
  const way = (await readState(vault))?.ways.find(({ type }) => type === 'pin')
  return way === undefined ? undefined : parseHex(way.id, 'way', WAY_ID_BYTES)
}

async function keep(vault: Vault, kept: Verifier): Promise<void> {
  const bytes = concat(
    Uint8Array.of(FORMAT),
    kept.way,
    kept.parameters,
    kept.verifier,
    Uint8Array.of(kept.step),
    be8(kept.next.getTime()),
  )
  await vault.put(RECORD, { type: 'keyhaven/pin-verifier', bytes })
}

/** The verifier, if it is of the PIN in use; one that is of another PIN is removed. */
async function readVerifier(vault: Vault): Promise<Verifier | undefined> {
  const record = await vault.get(RECORD)
  if (record === undefined) return undefined
  const kept = parseVerifier(record.bytes)
  const way = await readPinWay(vault)
  if (way !== undefined && equal(way, kept.way)) return kept
  await vault.delete(RECORD)
  return undefined
}

function parseVerifier(bytes: Uint8Array): Verifier {
  try {
    const reader = createByteReader(bytes, 'pin verifier')
    const format = reader.integer(1)
    const way = reader.bytes(WAY_ID_BYTES)
    const parameters = reader.bytes(PARAMETERS_LENGTH)
    parsePasswordParameters(parameters)
    const verifier = reader.bytes(VERIFIER_LENGTH)
    const step = reader.integer(1)
    const next = new Date(reader.integer(8))
    if (format !== FORMAT || reader.rest() !== 0 || step >= INTERVALS.length) throw recordDamaged()
    return { way, parameters, verifier, step, next }
  } catch {
    throw recordDamaged()
  }
}
