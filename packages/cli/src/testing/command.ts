/**
 * Runs the command in tests: the built one in a process of its own, as a person's shell or a program would, or the same
 * program in the process of the test, at a tenth of the cost.
 *
 * A process shows that the command starts, reads its real stdin, prints nothing but its answer, and ends; each test
 * starts one for what it is about. What prepares a test, asks for its outcome, or is one of many refusals needs none.
 */
import { Buffer } from 'node:buffer'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { OutputStream } from '../command-line/progress.ts'
import { runProgram } from '../program.ts'

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

interface Given {
  readonly stdin?: string | Buffer
  readonly environment?: NodeJS.ProcessEnv
}

/** What a command answered with `--json`. */
export interface RanJson {
  readonly exit: number | null
  readonly answer: Readonly<Record<string, unknown>>
  readonly stderr: string
}

/** Runs `keyhaven` with these words to its end, in a process. */
export async function runProcess(words: readonly string[], input: Given = {}): Promise<Ran> {
  const child = startCommand(words, input.environment)
  const collected = collect(child)
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input.stdin ?? '')
  return { exit: await ended(child), ...collected() }
}

/** Runs `keyhaven` with these words to its end, in this process. */
export async function run(words: readonly string[], input: Given = {}): Promise<Ran> {
  const [stdout, stderr] = [openOutput(), openOutput()]
  const exit = await runProgram(words, {
    stdin: Readable.from([Buffer.from(input.stdin ?? '')]),
    stdout,
    stderr,
    environment: { ...cleanEnvironment(), ...input.environment },
    stopSignal: () => new AbortController().signal,
  })
  return { exit, stdout: stdout.text(), stderr: stderr.text() }
}

/** As {@link runProcess} with `--json`; the answer is the one line on stdout, which must be all that is there. */
export async function runProcessJson(words: readonly string[], input?: Given): Promise<RanJson> {
  return parseAnswer(await runProcess([...words, '--json'], input))
}

/** As {@link run} with `--json`; the answer is the one line on stdout, which must be all that is there. */
export async function runJson(words: readonly string[], input?: Given): Promise<RanJson> {
  return parseAnswer(await run([...words, '--json'], input))
}

function parseAnswer({ exit, stdout, stderr }: Ran): RanJson {
  if (!/^[^\n]+\n$/.test(stdout))
    throw new Error(`not exactly one line on stdout: ${JSON.stringify(stdout)}; ${stderr}`)
  return { exit, answer: JSON.parse(stdout) as Readonly<Record<string, unknown>>, stderr }
}

function openOutput(): OutputStream & { readonly text: () => string } {
  const parts: Uint8Array[] = []
  return {
    write: (part) => parts.push(Buffer.from(part)),
    text: () => Buffer.concat(parts).toString(),
  }
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
