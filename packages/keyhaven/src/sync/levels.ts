/**
 * Two levels of one person, both open on this device: moving keys from one to the other, and keeping their PINs apart. All else
 * of a level is an ordinary backup (docs/decisions/0023): sign in with `level`, over a vault of its own.
 */
import { KeyhavenError } from '../errors.ts'
import type { ListedKey } from './device/key-store.ts'
import type { OperationInput } from './key-sync-input.ts'
import type { KeySync } from './key-sync.ts'
import type { LeftBehind } from './outcomes.ts'

/** Comparing leaves the other level at least so many guesses, as far as this device knows. */
const FEWEST_GUESSES = 5

export interface KeysMoveInput extends OperationInput {
  readonly from: KeySync
  readonly to: KeySync
  /** Conversations, each with all of its keys. */
  readonly conversations?: readonly string[]
  /** Names of identity keys. */
  readonly identities?: readonly string[]
}

export type KeysMoveOutcome =
  /** How many keys were moved by this call, old ones of a conversation included. */
  | ({ readonly status: 'moved'; readonly keys: number } & LeftBehind)
  /** That level has no backup, or this device has not joined it. Nothing was moved. */
  | { readonly status: 'no-backup' | 'pin-needed'; readonly at: 'from' | 'to' }

type MovedKey = Pick<ListedKey, 'kind' | 'name' | 'keyId'>

/**
 * Moves keys to another level: adds them there, backs that level up, removes them here and puts this level under a new root key.
 * Ended in between, keys are in both, and the same call again finishes. What an old copy of the level that they leave held stays
 * readable to whoever has both, and so do their names there. `ERR_RECORD_MISSING` for a name that neither has,
 * `ERR_IDENTITY_CONFLICT` for an identity of two keys, or one that the other level has under this name.
 */
export async function moveKeys(input: KeysMoveInput): Promise<KeysMoveOutcome> {
  const { from, to } = input
  if (from.accountId === to.accountId) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'to', expected: 'another level' })
  }
  const missing = (await findUnready(input, 'from')) ?? (await findUnready(input, 'to'))
  if (missing !== undefined) return missing
  const moved = await copyKeys(input)
  const unsent = await findUnready(input, 'to')
  if (unsent !== undefined) return unsent
  for (const key of moved) await from.keys.removeKey(key)
  const rotated = await from.rotate(runOf(input))
  if (rotated.status !== 'rotated') return { status: 'no-backup', at: 'from' }
  const { oldRegistrationRemainsOn, clockIsWrong } = rotated
  const left = { oldRegistrationRemainsOn, ...(clockIsWrong && { clockIsWrong }) }
  return { status: 'moved', keys: moved.length, ...left }
}

/** Synchronises one of the two; says why that cannot be. */
async function findUnready(
  input: KeysMoveInput,
  at: 'from' | 'to',
): Promise<Exclude<KeysMoveOutcome, { status: 'moved' }> | undefined> {
  const { status } = await input[at].sync(runOf(input))
  return status === 'synced' ? undefined : { status, at }
}

function runOf({ signal, onProgress }: OperationInput): OperationInput {
  return { ...(signal && { signal }), ...(onProgress && { onProgress }) }
}

/** Adds the keys to the level that they go to, and says which they are: just these are removed later. */
async function copyKeys(input: KeysMoveInput): Promise<readonly MovedKey[]> {
  const { from, to } = input
  const here = await from.keys.listKeys()
  const there = await to.keys.listKeys()
  const wanted: readonly Pick<ListedKey, 'kind' | 'name'>[] = [
    ...(input.conversations ?? []).map((name) => ({ kind: 'conversation' as const, name })),
    ...(input.identities ?? []).map((name) => ({ kind: 'identity' as const, name })),
  ]
  const of = (keys: readonly ListedKey[], { kind, name }: Pick<ListedKey, 'kind' | 'name'>) =>
    keys.filter((key) => key.kind === kind && key.name === name)
  if (wanted.some((name) => of(here, name).length + of(there, name).length === 0)) {
    throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  }
  const moved = wanted.flatMap((name) => of(here, name))
  const conflicts = wanted.filter((name) => name.kind === 'identity' && of(here, name).length > 1)
  if (conflicts.length > 0) throw new KeyhavenError('ERR_IDENTITY_CONFLICT', { count: conflicts.length })
  await copyIdentities(input, moved)
  for (const name of input.conversations ?? []) await copyConversation(input, name)
  return moved
}

async function copyIdentities({ from, to }: KeysMoveInput, moved: readonly MovedKey[]): Promise<void> {
  const names = new Set(moved.filter(({ kind }) => kind === 'identity').map(({ name }) => name))
  if (names.size === 0) return
  const all = await from.keys.exportKeys()
  const chosen = Object.entries(all.identityKeys).filter(([name]) => names.has(name))
  await to.keys.importKeys({ identityKeys: Object.fromEntries(chosen), conversationKeys: {} })
  for (const key of [...Object.values(all.identityKeys), ...Object.values(all.conversationKeys)]) key.fill(0)
}

/** Oldest first, so that the current one is the current one there. */
async function copyConversation({ from, to }: KeysMoveInput, name: string): Promise<void> {
  const keys = await from.keys.getConversationKeys(name)
  for (const { key } of [...keys].reverse()) {
    await to.keys.addConversationKey(name, key)
    key.fill(0)
  }
}

/**
 * Whether a PIN opens this level too, to be asked before it becomes another level's. By what `rememberPin` kept, else with the
 * realms, which costs this level a guess when it is another PIN; `not-checked` when it had few guesses left, or waits.
 */
export async function comparePin(
  input: OperationInput & { readonly level: KeySync; readonly pin: string },
): Promise<'same' | 'other' | 'not-checked'> {
  const { level, pin } = input
  const remembered = await level.checkPin(pin)
  if (remembered.status !== 'not-remembered') return remembered.status === 'right' ? 'same' : 'other'
  const { guesses } = await level.status(runOf(input))
  if (guesses !== undefined && guesses.remaining <= FEWEST_GUESSES) return 'not-checked'
  const { status } = await level.verifyBackup({ pin, ...runOf(input) })
  if (status === 'whole' || status === 'damaged') return 'same'
  return status === 'waiting' || status === 'pin-needed' ? 'not-checked' : 'other'
}
