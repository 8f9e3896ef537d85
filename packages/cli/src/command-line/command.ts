/**
 * What a command of `keyhaven` is: its words, its options, and what it answers.
 *
 * A command returns one {@link Answer}; the frame prints it as one line of JSON or as text, and ends with its exit
 * code. Secrets never come in through the command line (see secret-input.ts).
 */
import type { Readable } from 'node:stream'
import type { ExitCode } from './exit-codes.ts'
import type { Progress } from './progress.ts'

/** An option that takes no value, or takes the value that `value` names. */
export interface OptionDefinition {
  readonly summary: string
  /** What stands for the value in help, such as `DIR`; without it the option is a flag. */
  readonly value?: string
  /** Shown in help only; the command applies it. */
  readonly default?: string
}

/** What a command says at its end. */
export interface Answer {
  readonly exit: ExitCode
  /** The one line for `--json`, as a value that JSON can hold. */
  readonly json: unknown
  /** For people; goes to stdout when the exit code is 0, else to stderr. */
  readonly text: string
  /** Goes to stdout as it is, in the place of `text`. */
  readonly bytes?: Uint8Array
}

/** What a running command is given. */
export interface Invocation {
  /** The value of an option, if it was given. */
  option(name: string): string | undefined
  /** True when a flag was given. */
  flag(name: string): boolean
  /** The arguments that are no options, as many as the command names. */
  readonly positionals: readonly string[]
  readonly json: boolean
  /** Where a secret or a yes comes from; a terminal when it says so. */
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly environment: Readonly<NodeJS.ProcessEnv>
  readonly progress: Progress
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
  /** Prints an answer before the command ends; then what it returns is not printed any more. */
  announce(answer: Omit<Answer, 'exit'>): void
}

/** One command, such as `keys import`. */
export interface Command {
  readonly name: string
  readonly group: 'device' | 'vault' | 'server' | 'demo'
  readonly summary: string
  /** Paragraphs for the command's own help page. */
  readonly details?: readonly string[]
  readonly positionals?: readonly { readonly name: string; readonly summary: string }[]
  readonly options: Readonly<Record<string, OptionDefinition>>
  /** True when Ctrl-C must only ever be answered by the command itself, however often it is pressed. */
  readonly stopsItself?: boolean
  run(invocation: Invocation): Promise<Answer>
}

/** Commands by name, each with what loads it. */
export type CommandTable = ReadonlyMap<string, () => Promise<Command>>

/** Options that every command has. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionDefinition>> = {
  json: { summary: 'print one line of JSON on stdout, and nothing else there' },
  help: { summary: 'show this help' },
}
