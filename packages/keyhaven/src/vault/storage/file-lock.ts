/**
 * A lock between processes on one machine, as a file, that outlives neither its holder's work nor its holder.
 *
 * Taken by giving a finished file the lock's name (link(2) fails if the name is taken), so a lock never exists without
 * its owner's line. A lock whose owner is dead may be removed by one process only: the one that links
 * `<lock>.break.<owner's nonce>`, or, if that one died too, whoever links the file that is named after it, and so on.
 * Nonces never come again, so nobody can remove the lock of a later owner by mistake.
 *
 * Whether an owner is alive is exact on one Linux system (process id and start time; a zombie is dead). An owner whose
 * process id means nothing here (another container that shares the folder, a system that was restarted) counts as dead after a minute
 * without a touch; before it commits, an owner checks that the lock is still its own.
 */
import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parseUtf8, randomBytes, toHex, utf8 } from '../../crypto/bytes.ts'
import { KeyhavenError } from '../../errors.ts'
import type { FileOperations } from './file-operations.ts'

const FOREIGN_OWNER_LASTS_MS = 60_000
const POLL_MS = 5
const MOST_POLL_MS = 50

interface Owner {
  readonly nonce: string
  readonly pid: number
  /** When the process started, in the system's ticks; empty where that cannot be known. */
  readonly started: string
  /** Which system the process id belongs to: boot and process-id namespace. */
  readonly system: string
}

export interface HeldLock {
  /** Throws `ERR_VAULT_BUSY` if somebody took the lock away. */
  requireHeld(): Promise<void>
  release(): Promise<void>
}

/** Takes the lock at `path`; `ERR_VAULT_BUSY` if a live owner keeps it longer than `patienceMs`. */
export async function takeFileLock(
  path: string,
  options: { readonly operations: FileOperations; readonly patienceMs: number },
): Promise<HeldLock> {
  const { operations } = options
  const nonce = toHex(randomBytes(16))
  const ticket = `${path}.${nonce}`
  await operations.create(ticket, utf8(JSON.stringify(describeSelf(nonce))), { durable: false })
  try {
    await waitForLock(path, ticket, options)
  } finally {
    await operations.remove(ticket)
  }
  await sweepOnce(path, nonce, operations)
  return {
    requireHeld: async () => {
      if ((await readOwner(path, operations))?.nonce !== nonce) throw busy()
    },
    release: () => operations.remove(path),
  }
}

async function waitForLock(
  path: string,
  ticket: string,
  options: { readonly operations: FileOperations; readonly patienceMs: number },
): Promise<void> {
  const { operations } = options
  const deadline = Date.now() + options.patienceMs
  for (
    let pause = POLL_MS;
    !(await operations.link(ticket, path));
    pause = Math.min(pause * 2, MOST_POLL_MS)
  ) {
    const owner = await readOwner(path, operations)
    if (owner === undefined) continue
    if (isDead(owner, path)) {
      await breakLock({ path, ticket, owner, operations })
      continue
    }
    if (Date.now() > deadline) throw busy()
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())))
  }
}

const swept = new Set<string>()

/**
 * Deletes the tickets and claims that killed processes left, once in this process for each lock. The caller holds the
 * lock: so every other owner's claims are spent, and whoever still has one finds another lock than his.
 */
async function sweepOnce(path: string, nonce: string, operations: FileOperations): Promise<void> {
  if (swept.has(path)) return
  swept.add(path)
  const [folder, base] = [dirname(path), basename(path)]
  for (const name of await operations.list(folder)) {
    if (!name.startsWith(`${base}.`) || name.endsWith(nonce)) continue
    const owner = await readOwner(join(folder, name), operations)
    const spent = name.startsWith(`${base}.break.`)
    if (owner !== undefined && (spent || isDead(owner, join(folder, name)))) {
      await operations.remove(join(folder, name))
    }
  }
}

/** Removes a dead owner's lock, if the right to do so falls to this process. */
async function breakLock(input: {
  readonly path: string
  readonly ticket: string
  readonly owner: Owner
  readonly operations: FileOperations
}): Promise<void> {
  const { path, ticket, owner, operations } = input
  const claims: string[] = []
  let heir = owner
  do {
    const claim = `${path}.break.${heir.nonce}`
    claims.push(claim)
    if (await operations.link(ticket, claim)) {
      if ((await readOwner(path, operations))?.nonce === owner.nonce) await operations.remove(path)
      for (const spent of claims) await operations.remove(spent)
      return
    }
    const claimant = await readOwner(claim, operations)
    if (claimant === undefined) return
    heir = claimant
  } while (isDead(heir, claims.at(-1) ?? path))
  await new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

async function readOwner(path: string, operations: FileOperations): Promise<Owner | undefined> {
  const bytes = await operations.read(path)
  if (bytes === undefined) return undefined
  const owner = parseOwner(bytes)
  if (owner !== undefined) return owner
  const status = statSync(path, { throwIfNoEntry: false })
  return status && { nonce: `${status.ino}-${status.mtimeMs}`, pid: 0, started: '', system: 'unreadable' }
}

/** The owner's line; `undefined` for what a power failure left of one. */
function parseOwner(bytes: Uint8Array): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(parseUtf8(bytes))
    return isOwner(owner) ? owner : undefined
  } catch {
    return undefined
  }
}

function isOwner(value: unknown): value is Owner {
  if (typeof value !== 'object' || value === null) return false
  const { nonce, pid, started, system } = value as Partial<Record<keyof Owner, unknown>>
  return (
    typeof nonce === 'string' &&
    /^[0-9a-f]{32}$/.test(nonce) &&
    typeof pid === 'number' &&
    typeof started === 'string' &&
    typeof system === 'string'
  )
}

function describeSelf(nonce: string): Owner {
  return { nonce, pid: process.pid, started: startOf(process.pid) ?? '', system: thisSystem() }
}

function isDead(owner: Owner, path: string): boolean {
  if (owner.system !== thisSystem()) return untouchedFor(path) > FOREIGN_OWNER_LASTS_MS
  if (process.platform === 'linux') return startOf(owner.pid) !== owner.started
  return !answersSignals(owner.pid)
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** The start time of a process that runs, from /proc; `undefined` for one that is gone or a zombie. */
function startOf(pid: number): string | undefined {
  const stat = readProc(`/proc/${String(pid)}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields === undefined || 'ZX'.includes(fields[0] ?? 'X') ? undefined : fields[19]
}

let system: string | undefined
function thisSystem(): string {
  system ??= `${process.platform} ${readProc('/proc/sys/kernel/random/boot_id')?.trim() ?? ''} ${pidNamespace()}`
  return system
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

function untouchedFor(path: string): number {
  const status = statSync(path, { throwIfNoEntry: false })
  return status === undefined ? 0 : Date.now() - status.mtimeMs
}

function busy(): KeyhavenError {
  return new KeyhavenError('ERR_VAULT_BUSY', undefined)
}
