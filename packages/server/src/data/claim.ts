/**
 * Who holds a data directory: one living server at most.
 *
 * A server first puts down a claim, a file of its own under a name that is never used again, and only then looks for
 * others. Of two that come together at least one sees the other and steps back, and since no claim is ever taken over
 * or written by anyone else, there is no moment at which a stale one is mistaken for a fresh one. Claims of dead
 * processes are swept away, so a SIGKILL leaves nothing to clean up by hand.
 *
 * Assumes that the servers see each other's processes: one machine, one PID namespace.
 */
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KeyhavenError } from 'keyhaven'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { readProcessStart } from '../postgres/process-state.ts'

const ATTEMPTS = 20

type Stage = 'starting' | 'running'

interface Claim {
  readonly pid: number
  /** Tells the process from a later one with the same id. */
  readonly start: string
  readonly stage: Stage
}

/** Takes the directory, or `ERR_DATA_IN_USE`; the result gives it back. */
export async function claimDataDirectory(directory: string): Promise<() => void> {
  const folder = join(directory, 'servers')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const name = `${String(process.pid)}-${toHex(randomBytes(8))}`
    const release = (): void => {
      rmSync(join(folder, name), { force: true })
    }
    write(folder, name, 'starting')
    const others = sweep(folder, name)
    if (others.length === 0) {
      write(folder, name, 'running')
      return release
    }
    release()
    if (others.some(({ stage }) => stage === 'running')) break
    await sleep(10 + Math.random() * 90)
  }
  throw new KeyhavenError('ERR_DATA_IN_USE', undefined)
}

/** Appears under its name at once and whole. */
function write(folder: string, name: string, stage: Stage): void {
  const start = readProcessStart(process.pid) ?? ''
  const draft = join(folder, `.${name}`)
  writeFileSync(draft, JSON.stringify({ pid: process.pid, start, stage } satisfies Claim), { mode: 0o600 })
  renameSync(draft, join(folder, name))
}

/** The claims of living processes but our own; what the dead left is removed. */
function sweep(folder: string, own: string): Claim[] {
  const living: Claim[] = []
  for (const name of readdirSync(folder)) {
    if (name === own || name.startsWith('.')) continue
    const claim = read(join(folder, name))
    if (claim !== undefined && readProcessStart(claim.pid) === claim.start) living.push(claim)
    else rmSync(join(folder, name), { force: true })
  }
  return living
}

function read(file: string): Claim | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Claim
  } catch {
    return undefined
  }
}
