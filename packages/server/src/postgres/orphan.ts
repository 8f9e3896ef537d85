/**
 * What a killed server leaves: a PostgreSQL without a server, or its pid file with a process id that somebody else has by
 * now. Only called by who holds the data directory (data/claim.ts), so no living server is disturbed.
 *
 * A process is ended only when it is proven to be this folder's PostgreSQL, and only as long as it is the same process.
 */
import { execFileSync } from 'node:child_process'
import { readlinkSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PID_FILE, readPidFile, stopProcess } from './main-process.ts'
import { readProcessStart } from './process-state.ts'

/** Ends the PostgreSQL of a folder whose server is gone, or removes the pid file that names a stranger. */
export async function stopOrphan(folder: string): Promise<void> {
  const pid = Number(readPidFile(folder)[0])
  if (!Number.isInteger(pid) || pid <= 1) return
  // Read before the proof, so that what is proven holds for the process that is ended.
  const start = readProcessStart(pid)
  if (start === undefined) return
  const ours = isMainProcessOf(pid, folder)
  // PostgreSQL takes any living process of its own account for another PostgreSQL, and would not start.
  if (ours === false) rmSync(join(folder, PID_FILE), { force: true })
  if (ours !== true) return
  await stopProcess(pid, async (milliseconds) => {
    const deadline = Date.now() + milliseconds
    while (readProcessStart(pid) === start && Date.now() < deadline) await sleep(20)
    return readProcessStart(pid) !== start
  })
}

/** PostgreSQL runs the program of that name and works in its own folder; `undefined` where the system does not tell. */
function isMainProcessOf(pid: number, folder: string): boolean | undefined {
  try {
    if (process.platform !== 'linux') return askPs(pid, folder)
    const program = readlinkSync(`/proc/${String(pid)}/exe`).replace(/ \(deleted\)$/, '')
    return basename(program) === 'postgres' && readlinkSync(`/proc/${String(pid)}/cwd`) === folder
  } catch {
    return undefined
  }
}

function askPs(pid: number, folder: string): boolean {
  const command = execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
  const [program = ''] = command.split(' -D ', 1)
  return basename(program) === 'postgres' && command.startsWith(`${program} -D ${folder} `)
}
