/** The process: gives the program its words, streams and signals, and ends with its exit code. */
import type { Command } from './command-line/command.ts'
import { EXIT } from './command-line/exit-codes.ts'
import { runProgram } from './program.ts'

// A reader that goes away (`keyhaven serve | head -1`) is no reason to end in the middle of something.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

process.exitCode = await runProgram(process.argv.slice(2), {
  get stdin() {
    return process.stdin
  },
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  stopSignal,
})

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
