/**
 * Reads what other devices added to the log since this one last looked.
 *
 * When what came after the cursor does not fit what this device remembers, the whole log is read and verified again
 * before anybody is accused: two processes that share a vault may have left an older position in it. What the
 * device has seen must be there in any case.
 */
import { isKeyhavenError } from '../../errors.ts'
import { keepAbsorbed, verifySegments } from './absorb.ts'
import type { Absorbed } from './absorb.ts'
import { keepState } from '../device/backup-state.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'
import { downloadSegments, requireSameHeads, sameIds } from './download.ts'
import { readKnownLog } from '../device/known-log.ts'
import { requireRemembered } from './remembered.ts'
import type { Pointer } from '../format/pointer.ts'
import type { LogHeads } from '../transport/transport.ts'

/** The state after everything that the server has; nothing is written when nothing is new. */
export async function pull(context: SyncContext, pointer: Pointer, state: BackupState): Promise<Pulled> {
  const served = await context.transport.readHeads(context.signal)
  if (sameIds(served.heads, state.heads)) {
    const here = {
      ...state,
      cursor: served.cursor,
      registration: pointer.registration,
      serial: pointer.serial,
    }
    return { state: await keepPosition(context, here, state), received: false, served }
  }
  const absorbed = (await readOn(context, pointer, state)) ?? (await readAgain(context, pointer, state))
  await keepAbsorbed(context, absorbed)
  return { state: absorbed.state, received: true, served }
}

export interface Pulled {
  readonly state: BackupState
  /** True when the log had something that this device had not. */
  readonly received: boolean
  /** What the server said of the log before. */
  readonly served: LogHeads
}

/**
 * The state after reading and verifying the whole log again. Whoever starts a new generation leaves out for good what
 * his state does not know, and two processes that share a vault may have left a state that knows less than it seems.
 */
export async function pullAll(
  context: SyncContext,
  pointer: Pointer,
  state: BackupState,
): Promise<BackupState> {
  const absorbed = await readAgain(context, pointer, state)
  await keepAbsorbed(context, absorbed)
  return absorbed.state
}

/** The same heads: all that is visible is known, however far the cursor was. */
async function keepPosition(
  context: SyncContext,
  state: BackupState,
  before: BackupState,
): Promise<BackupState> {
  const moved = state.registration !== before.registration || state.serial !== before.serial
  if (moved) await context.vault.write(new Map([keepState(state)]))
  return state
}

/** What comes after the cursor; `undefined` when it does not fit what is remembered. */
async function readOn(
  context: SyncContext,
  pointer: Pointer,
  state: BackupState,
): Promise<Absorbed | undefined> {
  try {
    const continued = { state, known: { entries: await readKnownLog(context.vault), heads: state.heads } }
    return await read(context, { pointer, state, after: state.cursor, continued })
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_LOG_INCOMPLETE') || isKeyhavenError(fault, 'ERR_LOG_ROLLED_BACK')) {
      return undefined
    }
    throw fault
  }
}

async function readAgain(context: SyncContext, pointer: Pointer, state: BackupState): Promise<Absorbed> {
  return read(context, { pointer, state, after: 0 })
}

async function read(
  context: SyncContext,
  input: {
    readonly pointer: Pointer
    readonly state: BackupState
    readonly after: number
    readonly continued?: Parameters<typeof verifySegments>[1]['continued'] & object
  },
): Promise<Absorbed> {
  const { continued, state } = input
  const { generation, root } = state
  const { segments, heads, whole } = await downloadSegments(context, input.after)
  const absorbed = await verifySegments(context, {
    registration: input.pointer.registration,
    serial: input.pointer.serial,
    generation,
    root,
    segments,
    cursor: heads.cursor,
    ...(continued !== undefined && !whole && { continued }),
  })
  requireSameHeads(absorbed.arranged.heads, heads.heads)
  if (absorbed.restart) requireRemembered(absorbed, state)
  return absorbed
}
