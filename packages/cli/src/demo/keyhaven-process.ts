/** Runs the real command in processes of their own, as a person or a program would. */
import { Buffer } from 'node:buffer'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { KeyhavenError } from 'keyhaven'
import { CommandError } from '../command-line/command-error.ts'
import { EXIT } from '../command-line/exit-codes.ts'

/** The command as npm installs it. */
const PROGRAM = fileURLToPath(new URL('../../bin/keyhaven.js', import.meta.url))
const PATIENCE_MS = 60_000

/** What a finished command said. */
export interface Finished {
  readonly exit: number | null
  /** The one line of JSON; `undefined` when there was none. */
  readonly answer: Readonly<Record<string, unknown>> | undefined
}

/** Runs one command with `--json` to its end; an abort ends it first. */
export async function runKeyhaven(input: {
  readonly words: readonly string[]
  /** What is typed into it, perhaps only later. */
  readonly stdin?: string | Promise<string>
  readonly signal: AbortSignal
}): Promise<Finished> {
  throwIfAborted(input.signal)
  const child = spawn(process.execPath, [PROGRAM, ...input.words, '--json'], {
    env: cleanEnvironment(),
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const stop = (): void => {
    child.kill('SIGTERM')
  }
  input.signal.addEventListener('abort', stop)
  const output: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => output.push(part))
  child.stdin.on('error', () => undefined)
  const end = ended(child)
  void Promise.resolve(input.stdin ?? '').then(
    (text) => child.stdin.end(text),
    () => child.stdin.end(),
  )
  const exit = await end
  child.stdin.destroy()
  input.signal.removeEventListener('abort', stop)
  throwIfInterrupted(input.signal, child)
  return { exit, answer: parseLine(Buffer.concat(output).toString()) }
}

/** A running `keyhaven serve`. */
export interface ServerProcess {
  /** Where it listens, without the proxy in between. */
  readonly origin: string
  /** The newest sign-in code that it printed, once there are `count` of them. */
  waitForCode(count: number): Promise<string>
  /** Every sign-in code that it printed. */
  readonly codes: readonly string[]
  stop(): Promise<void>
}

/** Starts the server on a free port; everything that it prints goes into `logFile`. */
export async function startServerProcess(input: {
  readonly dataDirectory: string
  readonly publicOrigin: string
  readonly logFile: string
  readonly signal: AbortSignal
}): Promise<ServerProcess> {
  throwIfAborted(input.signal)
  const child = spawn(
    process.execPath,
    [PROGRAM, 'serve', '--port', '0', '--data', input.dataDirectory, '--json'],
    {
      env: { ...cleanEnvironment(), KEYHAVEN_PUBLIC_ORIGIN: input.publicOrigin },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  )
  const printed = watchOutput(child, input.logFile)
  const exit = ended(child)
  const terminate = (): void => {
    child.kill('SIGTERM')
  }
  input.signal.addEventListener('abort', terminate)
  const stop = async (): Promise<void> => {
    input.signal.removeEventListener('abort', terminate)
    terminate()
    await exit
  }
  try {
    const line = await Promise.race([
      printed.until(/^\{"status":.*$/m),
      exit.then(() => printed.until(/^\{"status":.*$/m, 0)),
    ])
    const { port } = parseLine(line) ?? {}
    if (typeof port !== 'number')
      throw new CommandError(
        'ERR_DEMO_FAILED',
        `The server did not start: ${describeAnswer(parseLine(line))}`,
        EXIT.fault,
      )
    return {
      origin: `http://127.0.0.1:${String(port)}`,
      codes: printed.codes,
      waitForCode: (count) => printed.code(count),
      stop,
    }
  } catch (error) {
    await stop()
    throwIfInterrupted(input.signal, child)
    throw error
  }
}

interface Printed {
  readonly codes: readonly string[]
  until(pattern: RegExp, patienceMs?: number): Promise<string>
  code(count: number): Promise<string>
}

/** Keeps what a process prints, in memory and in the log file. */
function watchOutput(child: ChildProcess, logFile: string): Printed {
  let text = ''
  let wake: () => void = () => undefined
  const codes: string[] = []
  const take = (part: Buffer): void => {
    appendFileSync(logFile, part)
    text += part.toString()
    codes.splice(
      0,
      codes.length,
      ...[...text.matchAll(/^Keyhaven sign-in code .*: (\d+)$/gm)].map(([, code]) => code ?? ''),
    )
    wake()
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  const waitFor = async (found: () => string | undefined, patienceMs: number): Promise<string> => {
    const until = Date.now() + patienceMs
    for (;;) {
      const value = found()
      if (value !== undefined) return value
      if (Date.now() >= until)
        throw new CommandError(
          'ERR_DEMO_FAILED',
          'The server did not say what it should in time.',
          EXIT.fault,
        )
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(1000, patienceMs)).unref()
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
  return {
    codes,
    until: (pattern, patienceMs = PATIENCE_MS) => waitFor(() => pattern.exec(text)?.[0], patienceMs),
    code: (count) => waitFor(() => (codes.length >= count ? codes.at(-1) : undefined), PATIENCE_MS),
  }
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('error', () => {
      resolve(null)
    })
    child.once('close', (code) => {
      resolve(code)
    })
  })
}

/** The demo is not to depend on settings that the person made for something else. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const own = (name: string): boolean =>
    name.startsWith('KEYHAVEN_') || name === 'DATABASE_URL' || name.startsWith('PG')
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own(name)))
}

function parseLine(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

/** What an answer said went wrong; answers hold no secrets unless --reveal was given, and those are not described. */
export function describeAnswer(answer: Readonly<Record<string, unknown>> | undefined): string {
  const { status, error } = answer ?? {}
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message)
  return typeof status === 'string' ? status : 'no answer'
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new KeyhavenError('ERR_ABORTED', undefined)
}

/** A terminal's Ctrl-C goes to the child as well, which may have ended by it before this process hears of its own. */
function throwIfInterrupted(signal: AbortSignal, child: ChildProcess): void {
  if (signal.aborted || child.signalCode === 'SIGINT') throw new KeyhavenError('ERR_ABORTED', undefined)
}
