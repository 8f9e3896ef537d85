/** The program without its process: reads the words of a command line, runs one command, prints its answer. */
import { createRequire } from 'node:module'
import type { Readable } from 'node:stream'
import { parseRequest } from './command-line/arguments.ts'
import type { Answer, Command, Invocation } from './command-line/command.ts'
import { explainFault } from './command-line/faults.ts'
import { renderCommandHelp, renderHelp } from './command-line/help.ts'
import { EXIT } from './command-line/exit-codes.ts'
import type { ExitCode } from './command-line/exit-codes.ts'
import { createProgress } from './command-line/progress.ts'
import type { OutputStream, Progress } from './command-line/progress.ts'
import { COMMANDS } from './commands/index.ts'

/** What the program is run in: a process, or a test that needs none. */
export interface Surroundings {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly environment: Readonly<NodeJS.ProcessEnv>
  /** Gives the command that begins to run the signal by which it is told to stop. */
  stopSignal(command: Command): AbortSignal
}

/** Runs `keyhaven` with these words; gives the exit code, and never throws. */
export async function runProgram(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { stdout, stderr, environment } = surroundings
  const progress = createProgress(stderr)
  const print = createPrinter({ stdout, stderr, progress, json: words.includes('--json') })
  try {
    const request = await parseRequest(words, COMMANDS)
    if (request.kind === 'version')
      return print({ exit: EXIT.ok, text: version(), json: { version: version() } })
    if (request.kind === 'run')
      return await runCommand({ ...request, surroundings, progress, print, json: words.includes('--json') })
    const styled = stdout.isTTY === true && environment['NO_COLOR'] === undefined
    const page =
      request.command === undefined
        ? renderHelp(await loadFamily(request.family ?? ''), styled)
        : renderCommandHelp(request.command, styled)
    stdout.write(`${page}\n`)
    return EXIT.ok
  } catch (fault) {
    return print(explainFault(fault))
  }
}

function loadFamily(family: string): Promise<Command[]> {
  const loads = [...COMMANDS].filter(([name]) => name.startsWith(family)).map(([, load]) => load)
  return Promise.all(loads.map((load) => load()))
}

type Printer = (answer: Answer) => ExitCode

async function runCommand(input: {
  readonly command: Command
  readonly options: ReadonlyMap<string, string | true>
  readonly positionals: readonly string[]
  readonly surroundings: Surroundings
  readonly progress: Progress
  readonly print: Printer
  readonly json: boolean
}): Promise<ExitCode> {
  const { command, options, positionals, surroundings, progress, print, json } = input
  const said = { announced: false }
  const invocation: Invocation = {
    option: (name) => {
      const value = options.get(name)
      return typeof value === 'string' ? value : undefined
    },
    flag: (name) => options.get(name) === true,
    positionals,
    json,
    // A process that reads nothing leaves its stdin unopened.
    get stdin() {
      return surroundings.stdin
    },
    environment: surroundings.environment,
    progress,
    signal: surroundings.stopSignal(command),
    announce: (answer) => {
      said.announced = true
      print({ exit: EXIT.ok, ...answer })
    },
  }
  const answer = await command.run(invocation)
  return said.announced ? answer.exit : print(answer)
}

function createPrinter(to: {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly progress: Progress
  readonly json: boolean
}): Printer {
  const { stdout, stderr, progress, json } = to
  return ({ exit, json: value, text, bytes }) => {
    progress.clear()
    if (json) stdout.write(`${JSON.stringify(value)}\n`)
    else if (bytes !== undefined) stdout.write(bytes)
    else if (text !== '') (exit === EXIT.ok ? stdout : stderr).write(`${text}\n`)
    return exit
  }
}

function version(): string {
  const manifest: unknown = createRequire(import.meta.url)('../package.json')
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : ''
}
