/** Runs what the documents tell people to type, as it stands there. */
import { spawn } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { collect, ended } from './command.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/keyhaven.js', import.meta.url))

/** The shell blocks of a section of docs/operations.md, by its heading. */
export async function readBlocks(heading: string): Promise<readonly string[]> {
  const docs = await readFile(new URL('../../../../docs/operations.md', import.meta.url), 'utf8')
  const section = docs.split(/\n##+ /).find((text) => text.startsWith(heading))
  return [...(section ?? '').matchAll(/```sh\n([^`]*)```/g)].map(([, code]) => code ?? '')
}

/** A shell in a folder, with `keyhaven` in its path; gives what a script prints, which must go well and say nothing on stderr. */
export async function openShell(
  folder: string,
): Promise<(script: string, settings?: NodeJS.ProcessEnv) => Promise<string>> {
  const programs = join(folder, 'bin')
  await mkdir(programs)
  await writeFile(join(programs, 'keyhaven'), `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`)
  await chmod(join(programs, 'keyhaven'), 0o755)
  const PATH = `${programs}${delimiter}${process.env['PATH'] ?? ''}`
  return async (script, settings = {}) => {
    const child = spawn('sh', ['-e'], { cwd: folder, env: { ...process.env, ...settings, PATH } })
    const output = collect(child)
    child.stdin.end(script)
    expect([await ended(child), output().stderr]).toEqual([0, ''])
    return output().stdout
  }
}
