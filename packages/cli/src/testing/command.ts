/** Runs the real built command in tests, as a person's shell or a program would. */
import { Buffer } from 'node:buffer'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../../bin/keyhaven.js', import.meta.url))

/** What a command printed and how it ended. */
export interface Ran {
  readonly exit: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts `keyhaven` with these words, in a process group of its own, as a terminal would. */
export function startCommand(words: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...words], {
    env: { ...cleanEnvironment(), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
}

/** Runs `keyhaven` with these words to its end. */
export async function run(
  words: readonly string[],
  input: { readonly stdin?: string | Buffer; readonly environment?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  const child = startCommand(words, input.environment)
  const collected = collect(child)
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input.stdin ?? '')
  return { exit: await ended(child), ...collected() }
}

/** Runs with `--json`; the answer is the one line on stdout, which must be all that is there. */
export async function runJson(
  words: readonly string[],
  input: { readonly stdin?: string | Buffer; readonly environment?: NodeJS.ProcessEnv } = {},
): Promise<{
  readonly exit: number | null
  readonly answer: Readonly<Record<string, unknown>>
  readonly stderr: string
}> {
  const { exit, stdout, stderr } = await run([...words, '--json'], input)
  if (!/^[^\n]+\n$/.test(stdout))
    throw new Error(`not exactly one line on stdout: ${JSON.stringify(stdout)}; ${stderr}`)
  return { exit, answer: JSON.parse(stdout) as Readonly<Record<string, unknown>>, stderr }
}

/** Resolves with the exit code when the process and its streams have ended. */
export function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('close', (code) => {
      resolve(code)
    })
  })
}

/** Collects what a process prints; the function gives all of it so far. */
export function collect(child: ChildProcess): () => { readonly stdout: string; readonly stderr: string } {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (part: Buffer) => stdout.push(part))
  child.stderr?.on('data', (part: Buffer) => stderr.push(part))
  return () => ({ stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() })
}

/** A folder with a space in its name, removed when the test ends; as root others may pass through it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven test '))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const own = (name: string): boolean => name.startsWith('KEYHAVEN_') || name === 'DATABASE_URL'
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own(name)))
}
