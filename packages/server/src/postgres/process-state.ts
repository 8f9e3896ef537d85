/**
 * Whether a process is alive, and whether it is still the same one: process ids are used again, and a killed process
 * that nobody reaps stays listed as a zombie.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Something that two processes with one id do not share: when it was started. `undefined` when it does not live. */
export function readProcessStart(pid: number): string | undefined {
  return process.platform === 'linux' ? readFromProc(pid) : askPs(pid)
}

/** True while the process runs; a zombie does not. */
export function isProcessAlive(pid: number): boolean {
  return readProcessStart(pid) !== undefined
}

/** proc(5): after the name in parentheses come the state (field 3) and, as field 22, the start time in ticks since boot. */
function readFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot}/${fields[19] ?? ''}`
  } catch {
    return undefined
  }
}

function askPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '')
  } catch {
    return undefined
  }
}
