/** Looks at processes by id: in /proc where there is one, else with `ps`. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

interface Listed {
  readonly pid: number
  readonly parent: number
  readonly state: string
  readonly words: string
}

/** All processes of the machine. */
export function listProcesses(): readonly Listed[] {
  if (!existsSync('/proc/self/stat')) return listWithPs()
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? readProcess(name) : []))
}

function readProcess(pid: string): Listed[] {
  try {
    const [, state, parent] = /\) (\S) (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
    return [{ pid: Number(pid), parent: Number(parent), state: state ?? 'Z', words }]
  } catch {
    return []
  }
}

function listWithPs(): readonly Listed[] {
  const text = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' })
  return text.split('\n').flatMap((line) => {
    const [, pid, parent, state, words] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    if (state === undefined || words === undefined) return []
    return [{ pid: Number(pid), parent: Number(parent), state, words }]
  })
}

/** A process and everything below it. */
export function processTree(root: number): readonly number[] {
  const all = listProcesses()
  const found = [root]
  for (const pid of found) found.push(...all.filter(({ parent }) => parent === pid).map((child) => child.pid))
  return found
}

/** Those of the given processes that still run; one that has ended and waits to be collected does not. */
export function stillRunning(pids: readonly number[]): readonly Listed[] {
  return listProcesses().filter(({ pid, state }) => pids.includes(pid) && !state.startsWith('Z'))
}
