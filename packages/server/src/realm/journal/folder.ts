/**
 * A journal in a folder: one empty file for each mark, and the file's name is all of it (docs/formats.md, "Journal, format 1"). Files
 * are made whole, never changed, and removed only below the newest, so no server can undo what another one noted and no
 * crash can leave half a mark.
 */
import { open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseHex, toHex } from 'keyhaven/crypto'
import { MARK_LENGTH } from './mark.ts'
import type { Mark } from './mark.ts'
import type { JournalStore } from './store.ts'

/** Files that stay below the newest: who lists the folder meanwhile always finds one. */
const KEPT = 10
const POSITION_DIGITS = 16

/** The folder must be there: one that is made when it is missing would hide a disk that is not mounted. */
export function openFolderJournal(folder: string): JournalStore {
  const list = async (realmId: Uint8Array): Promise<readonly Mark[]> => {
    const marks = (await readdir(folder)).map((name) => parseName(realmId, name))
    return marks.filter((mark) => mark !== undefined)
  }
  return {
    read: async (realmId) => highest(await list(realmId)),
    write: async (realmId, mark) => {
      const known = await list(realmId)
      if ((highest(known)?.position ?? -1) >= mark.position) return
      await makeFile(folder, formatName(realmId, mark))
      const old = known.filter(({ position }) => position < mark.position - KEPT)
      for (const gone of old) await rm(join(folder, formatName(realmId, gone)), { force: true })
    },
    close: () => Promise.resolve(),
  }
}

function highest(marks: readonly Mark[]): Mark | undefined {
  return marks.reduce<Mark | undefined>(
    (best, mark) => (best === undefined || mark.position > best.position ? mark : best),
    undefined,
  )
}

async function makeFile(folder: string, name: string): Promise<void> {
  const file = await open(join(folder, name), 'a', 0o600)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function formatName(realmId: Uint8Array, { position, mark }: Mark): string {
  return `${toHex(realmId)}-${String(position).padStart(POSITION_DIGITS, '0')}-${toHex(mark)}`
}

function parseName(realmId: Uint8Array, name: string): Mark | undefined {
  const [, realm, position, mark] = /^([0-9a-f]{32})-(\d{16})-([0-9a-f]{32})$/.exec(name) ?? []
  if (realm !== toHex(realmId) || mark === undefined) return undefined
  return { position: Number(position), mark: parseHex(mark, 'mark', MARK_LENGTH) }
}
