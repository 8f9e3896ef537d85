/** The program: reads the command line, runs one command, prints its answer, ends with its exit code. */
import { createRequire } from 'node:module'
import { parseRequest } from './command-line/arguments.ts'
import type { Answer, Command, Invocation } from './command-line/command.ts'
import { explainFault } from './command-line/faults.ts'
import { renderCommandHelp, renderHelp } from './command-line/help.ts'
import { EXIT } from './command-line/exit-codes.ts'
import { createProgress } from './command-line/progress.ts'
import { COMMANDS } from './commands/index.ts'

const words = process.argv.slice(2)
const json = words.includes('--json')
const progress = createProgress(process.stderr)

// A reader that goes away (`keyhaven serve | head -1`) is no reason to end in the middle of something.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

process.exitCode = await main()

async function main(): Promise<number> {
  try {
    const request = await parseRequest(words, COMMANDS)
    if (request.kind === 'version')
      return print({ exit: EXIT.ok, text: version(), json: { version: version() } })
    if (request.kind === 'run') return await runCommand(request)
    const page =
      request.command === undefined
        ? renderHelp(await loadFamily(request.family ?? ''), styled())
        : renderCommandHelp(request.command, styled())
    process.stdout.write(`${page}\n`)
    return EXIT.ok
  } catch (fault) {
    return print(explainFault(fault))
  }
}

function loadFamily(family: string): Promise<Command[]> {
  const loads = [...COMMANDS].filter(([name]) => name.startsWith(family)).map(([, load]) => load)
  return Promise.all(loads.map((load) => load()))
}

async function runCommand(request: {
  readonly command: Command
  readonly options: ReadonlyMap<string, string | true>
  readonly positionals: readonly string[]
}): Promise<number> {
  const { command, options, positionals } = request
  const said = { announced: false }
  const invocation: Invocation = {
    option: (name) => {
      const value = options.get(name)
      return typeof value === 'string' ? value : undefined
    },
    flag: (name) => options.get(name) === true,
    positionals,
    json,
    environment: process.env,
    progress,
    signal: stopSignal(command),
    announce: (answer) => {
      said.announced = true
      print({ exit: EXIT.ok, ...answer })
    },
  }
  const answer = await command.run(invocation)
  return said.announced ? answer.exit : print(answer)
}

/** Ctrl-C and SIGTERM ask the command to stop; pressed again they end it, unless the command must tidy up itself. */
function stopSignal(command: Command): AbortSignal {
  const controller = new AbortController()
  const stop = (): void => {
    if (controller.signal.aborted && command.stopsItself !== true) process.exit(EXIT.interrupted)
    controller.abort()
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop)
  return controller.signal
}

function print({ exit, json: value, text, bytes }: Answer): number {
  progress.clear()
  if (json) process.stdout.write(`${JSON.stringify(value)}\n`)
  else if (bytes !== undefined) process.stdout.write(bytes)
  else if (text !== '') (exit === EXIT.ok ? process.stdout : process.stderr).write(`${text}\n`)
  return exit
}

function styled(): boolean {
  return process.stdout.isTTY && process.env['NO_COLOR'] === undefined
}

function version(): string {
  const manifest: unknown = createRequire(import.meta.url)('../package.json')
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : ''
}
