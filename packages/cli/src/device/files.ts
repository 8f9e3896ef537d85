/** Files that a person names: read in bounds, or made for their owner alone. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { CommandError } from '../command-line/command-error.ts'
import { EXIT } from '../command-line/exit-codes.ts'

const STEP = 64 * 1024

/**
 * The bytes of a file, which may be a pipe. `ERR_FILE_UNREADABLE` when it cannot be read; `ERR_KEY_FILE_INVALID` when it
 * is empty or longer than `most` bytes, of which no more are read.
 */
export async function readBounded(path: string, most: number): Promise<Uint8Array> {
  const bytes = await readUpTo(path, most + 1)
  if (bytes.length === 0) throw refused('it is empty')
  if (bytes.length > most) throw refused(`it is longer than ${String(most)} bytes`)
  return bytes
}

/** The first `most` bytes of a file, which may be a pipe without end; `ERR_FILE_UNREADABLE` names it as `what`. */
export async function readUpTo(path: string, most: number, what = 'file'): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  try {
    const file = await open(path, constants.O_RDONLY)
    try {
      for (let left = most; left > 0;) {
        const { bytesRead, buffer } = await file.read({ buffer: new Uint8Array(Math.min(left, STEP)) })
        if (bytesRead === 0) break
        parts.push(buffer.subarray(0, bytesRead))
        left -= bytesRead
      }
    } finally {
      await file.close()
    }
  } catch {
    throw new CommandError('ERR_FILE_UNREADABLE', `The ${what} cannot be read: ${path}`)
  }
  return Buffer.concat(parts)
}

/** Writes a new file of mode 0600, durably; `ERR_FILE_EXISTS` when there is one, which is kept. */
export async function writePrivate(path: string, content: string | Uint8Array): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new CommandError('ERR_FILE_EXISTS', `${path} is there already and was kept; name a new file.`)
    }
    throw new CommandError('ERR_FILE_NOT_WRITTEN', `${path} cannot be written.`, EXIT.fault)
  }
}

function refused(problem: string): CommandError {
  return new CommandError(
    'ERR_KEY_FILE_INVALID',
    `The file cannot be used: ${problem}. Nothing was imported.`,
  )
}
