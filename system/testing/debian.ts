/** Programs that these tests need of the system, from Debian's packages. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Makes sure that each program is there: as root on Debian its package is installed; elsewhere a person must do it. */
export function requirePrograms(packages: Readonly<Record<string, string>>): void {
  const missing = Object.entries(packages).filter(([program]) => !isThere(program))
  if (missing.length === 0) return
  const names = missing.map(([, name]) => name)
  if (process.getuid?.() === 0 && isThere('apt-get')) {
    const quietly = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const
    spawnSync('apt-get', ['update'], quietly)
    spawnSync('apt-get', ['install', '--yes', '--no-install-recommends', ...names], quietly)
  }
  const left = missing.filter(([program]) => !isThere(program))
  if (left.length > 0) throw new Error(`install these packages first: ${names.join(' ')}`)
}

function isThere(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)))
}
