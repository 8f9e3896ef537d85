/**
 * Reads what other devices added to the log since this one last looked.
 */
import { keepAbsorbed, verifySegments } from './absorb.ts'
import type { BackupState } from './backup-state.ts'
import type { SyncContext } from './context.ts'
import { downloadSegments, requireSameHeads, sameIds } from './download.ts'
import { readKnownLog } from './known-log.ts'
import { keepState } from './backup-state.ts'
import type { Pointer } from './transport/transport.ts'

/** The state after everything that the server has; nothing is written when nothing is new. */
export async function pull(context: SyncContext, pointer: Pointer, state: BackupState): Promise<BackupState> {
  const served = await context.transport.readHeads(context.signal)
  if (sameIds(served.heads, state.heads)) {
    return keepPosition(
      context,
      { ...state, cursor: served.cursor, registration: pointer.registration },
      state,
    )
  }
  const { segments, heads } = await downloadSegments(context, state.cursor)
  const absorbed = await verifySegments(context, {
    registration: pointer.registration,
    generation: state.generation,
    root: state.root,
    segments,
    cursor: heads.cursor,
    continued: { state, known: { entries: await readKnownLog(context.vault), heads: state.heads } },
  })
  requireSameHeads(absorbed.arranged.heads, heads.heads)
  await keepAbsorbed(context, absorbed)
  return absorbed.state
}

/** The same heads: all that is visible is known, however far the cursor was. */
async function keepPosition(
  context: SyncContext,
  state: BackupState,
  before: BackupState,
): Promise<BackupState> {
  if (state.registration !== before.registration) await context.vault.write(new Map([keepState(state)]))
  return state
}
