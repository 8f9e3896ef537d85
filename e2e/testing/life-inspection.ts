/**
 * Looks at the backup of a life from outside, by the real client on a vault that holds a session and nothing else, over a
 * network that lets it change nothing but what a guess changes at the realms.
 */
import { expect } from 'vitest'
import { isKeyhavenError } from 'keyhaven'
import type { Fetch, RestoreOutcome } from 'keyhaven/sync'
import { contradictions, narrowed } from './key-bounds.ts'
import { addressOf, lying } from './liars.ts'
import type { Lie } from './liars.ts'
import { count } from './life.ts'
import type { Life } from './life.ts'

/** Records that signing in leaves in a vault. */
const SIGNED_IN = ['sync/account', 'sync/device', 'sync/session']

/**
 * Exactly one candidate opens the backup, with every key that was acknowledged and none of which the removal was; the
 * newest PIN of the past opens nothing, also at a registration that realms may still hold.
 */
export async function inspect(life: Life): Promise<void> {
  count(life, 'inspections')
  const valid: (string | undefined)[] = []
  if (life.candidates.size === 1) valid.push(...life.candidates)
  else for (const pin of life.candidates) if (await opens(life, pin)) valid.push(pin)
  expect(valid, 'PINs that are valid').toHaveLength(1)
  const pins = [...life.candidates].filter((pin): pin is string => pin !== undefined && !valid.includes(pin))
  life.candidates = new Set(valid)
  if (life.late.length > 0) life.unsettled = new Set([...life.unsettled, ...pins])
  const [pin] = valid
  life.past = [...new Set([...life.past, ...pins])].filter(
    (past) => past !== pin && !life.unsettled.has(past),
  )
  await expectPastClosed(life)
  // Last, so that the wrong ones are forgiven.
  expect(await opens(life, pin), 'the PIN opens the backup').toBe(true)
}

/** True when this PIN restores; for `undefined`: when there is no backup. */
async function opens(life: Life, pin: string | undefined): Promise<boolean> {
  const outcome = await restore(life, pin ?? NEVER_A_PIN)
  if (outcome.status === 'restored') {
    const seen = await life.inspector.keys.listKeys()
    expect(contradictions(life.backup, seen)).toEqual([])
    life.backup = narrowed(life.backup, seen)
    expect(outcome.generation).toBeGreaterThanOrEqual(life.generation)
    life.generation = outcome.generation
  }
  return outcome.status === (pin === undefined ? 'no-backup' : 'restored')
}

const NEVER_A_PIN = 'no PIN of anybody'

async function expectPastClosed(life: Life): Promise<void> {
  const pin = life.past.at(-1)
  if (pin === undefined || life.candidates.has(undefined)) return
  expect(await restore(life, pin)).toMatchObject({ status: 'wrong-pin' })
  for (const registration of await retiredRegistrations(life)) {
    const lie: Lie = {
      json: {
        '/v1/pointer': (state) => ({ ...state, pointer: { ...(state['pointer'] as object), registration } }),
      },
    }
    const outcome = await restore(life, pin, lie)
    expect(['wrong-pin', 'nothing there']).toContain(outcome.status)
    count(life, 'old registrations tried')
  }
}

/** A restore on an empty device, after the wait that wrong PINs may have brought; `nothing there` when what the PIN opens leads to no keys. */
async function restore(
  life: Life,
  pin: string,
  lie: Lie = {},
): Promise<RestoreOutcome | { readonly status: 'nothing there' }> {
  const { vault } = life.inspector
  const left = (await vault.list()).map(({ name }) => name).filter((name) => !SIGNED_IN.includes(name))
  if (left.length > 0) await vault.write(new Map(left.map((name) => [name, null])))
  const liar = lying(lie, life.place.wholeNetwork)
  const sync = await life.inspector.sync({ fetch: readingOnly(liar.fetch) })
  try {
    const outcome = await sync.restore({ pin })
    if (outcome.status !== 'waiting') return outcome
    life.place.passTime(outcome.retryAfterSeconds * 1000)
    return await sync.restore({ pin })
  } catch (fault) {
    const closed = CLOSED.some((code) => isKeyhavenError(fault, code))
    if (lie.json === undefined || !closed) throw fault
    return { status: 'nothing there' }
  }
}

/**
 * What an old registration comes to: it is gone, its way's slot is, or it belongs to a change that was given up, whose
 * generation is above the one in use.
 */
const CLOSED = ['ERR_REGISTRATION_SPLIT', 'ERR_LOG_INCOMPLETE', 'ERR_LOG_ROLLED_BACK'] as const

/** A network that carries what reads, and what realms are asked. */
function readingOnly(network: Fetch): Fetch {
  return (input, init) => {
    const { pathname } = new URL(addressOf(input))
    const passes =
      (init?.method ?? 'GET') === 'GET' ||
      ['/realm/req', '/v1/realm-tokens', '/v1/auth/refresh'].includes(pathname)
    return passes ? network(input, init) : Promise.reject(new TypeError('The inspector changes nothing.'))
  }
}

async function retiredRegistrations(life: Life): Promise<readonly string[]> {
  const { rows } = await life.place.app.database.database.withUser(life.inspector.accountId, (transaction) =>
    transaction.query<{ readonly registration: string }>(
      "SELECT encode(registration, 'hex') AS registration FROM app.retired_registrations",
    ),
  )
  return rows.map(({ registration }) => registration)
}
