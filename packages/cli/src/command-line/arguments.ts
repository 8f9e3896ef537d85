/**
 * Reads `keyhaven COMMAND [arguments] [options]`, strictly: an unknown option, a missing value, an option given twice
 * or an argument too many is a usage error. Nothing that was typed as a value or an argument is repeated in a message,
 * because somebody may have typed a PIN there.
 */
import { parseArgs } from 'node:util'
import { CommandError } from './command-error.ts'
import { COMMON_OPTIONS } from './command.ts'
import type { Command, CommandTable, OptionDefinition } from './command.ts'

/** What was asked for: a command to run, or a page to show. */
export type Request =
  | { readonly kind: 'help'; readonly command: Command | undefined; readonly family?: string }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'run'
      readonly command: Command
      readonly options: ReadonlyMap<string, string | true>
      readonly positionals: readonly string[]
    }

/** Options that look natural and would put a secret on the command line, with what is probably meant. */
const SECRET_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  pin: ['pin'],
  passphrase: ['pin', 'password', 'vault-password'],
  password: ['password', 'vault-password', 'pin'],
  'vault-password': ['vault-password'],
  code: ['code', 'recovery-code'],
  'recovery-code': ['recovery-code'],
  'link-code': ['link-code'],
}

/** Reads the arguments after the program's name; faults are {@link CommandError} `ERR_USAGE`. */
export async function parseRequest(words: readonly string[], commands: CommandTable): Promise<Request> {
  const { leading, rest } = splitLeadingOptions(words)
  if (rest.length === 0 && leading.includes('--version')) return { kind: 'version' }
  if (rest[0] === 'help' || rest.length === 0) return await parseHelp({ rest, leading, commands })
  const family = familyOf(rest, commands)
  if (family !== undefined && (words.includes('--help') || words.includes('-h')))
    return { kind: 'help', command: undefined, family }
  const command = await loadCommand(rest, commands)
  const length = command.name.split(' ').length
  return parseCommand(command, [...leading, ...rest.slice(length)])
}

async function parseHelp(input: {
  readonly rest: readonly string[]
  readonly leading: readonly string[]
  readonly commands: CommandTable
}): Promise<Request> {
  const names = input.rest.slice(1)
  if (names.length > 0) return { kind: 'help', command: await loadCommand(names, input.commands) }
  if (input.rest.length > 0 || input.leading.includes('--help') || input.leading.includes('-h')) {
    return { kind: 'help', command: undefined }
  }
  throw new CommandError('ERR_USAGE', 'Name a command; "keyhaven --help" lists them.')
}

/** Lets `--home DIR`, `--json`, `--help` and `--version` stand before the command as well. */
function splitLeadingOptions(words: readonly string[]): { leading: string[]; rest: string[] } {
  let index = 0
  while (index < words.length && words[index]?.startsWith('-') === true)
    index += words[index] === '--home' ? 2 : 1
  return { leading: words.slice(0, index), rest: words.slice(index) }
}

/** The first words of several commands, `vault ` or `vault protect `, if just these were typed and they are no command. */
function familyOf(words: readonly string[], commands: CommandTable): string | undefined {
  const options = words.findIndex((word) => word.startsWith('-'))
  const typed = words.slice(0, options < 0 ? words.length : options).join(' ')
  const family = `${typed} `
  return !commands.has(typed) && [...commands.keys()].some((name) => name.startsWith(family))
    ? family
    : undefined
}

function loadCommand(words: readonly string[], commands: CommandTable): Promise<Command> {
  for (const length of [3, 2, 1]) {
    const typed = words.slice(0, length).join(' ')
    const load = commands.get(typed)
    if (load !== undefined) return load()
    const names = [...commands.keys()].filter((name) => name.startsWith(`${typed} `))
    if (names.length === 0) continue
    const next = new Set(names.map((name) => name.slice(typed.length + 1).split(' ')[0]))
    throw new CommandError('ERR_USAGE', `"keyhaven ${typed}" goes on with one of: ${[...next].join(', ')}.`)
  }
  throw new CommandError('ERR_USAGE', 'There is no such command; "keyhaven --help" lists them.')
}

function parseCommand(command: Command, words: readonly string[]): Request {
  const definitions = { ...command.options, ...COMMON_OPTIONS }
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(definitions).map(([name, { value }]) => [
        name,
        { type: value === undefined ? 'boolean' : 'string' },
      ]),
    ),
    strict: false,
    tokens: true,
  })
  const options = new Map<string, string | true>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    if (token.rawName === '-h') return { kind: 'help', command }
    if (options.has(token.name)) throw new CommandError('ERR_USAGE', `--${token.name} is given twice.`)
    options.set(token.name, parseOption({ ...token, command, definition: definitions[token.name] }))
  }
  if (options.has('help')) return { kind: 'help', command }
  checkPositionals(command, positionals)
  return { kind: 'run', command, options, positionals }
}

function parseOption(token: {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
  readonly command: Command
  readonly definition: OptionDefinition | undefined
}): string | true {
  const { definition, command } = token
  const page = `see "keyhaven ${command.name} --help".`
  if (definition === undefined) {
    const secret = SECRET_OPTIONS[token.name]?.find((name) => `${name}-file` in command.options)
    if (secret !== undefined) {
      const noun = secret === 'pin' ? 'PIN' : secret.endsWith('code') ? 'code' : 'password'
      const ways = `use --${secret}-file FILE, --${secret}-stdin, or wait to be asked`
      throw new CommandError('ERR_USAGE', `A ${noun} is never taken from the command line: ${ways}.`)
    }
    throw new CommandError(
      'ERR_USAGE',
      `"keyhaven ${command.name}" has no option ${optionName(token.rawName)}; ${page}`,
    )
  }
  if (definition.value === undefined) {
    if (token.value !== undefined)
      throw new CommandError('ERR_USAGE', `${token.rawName} takes no value; ${page}`)
    return true
  }
  const missing = token.value === undefined || token.value === ''
  if (missing || (token.inlineValue !== true && token.value.startsWith('--'))) {
    throw new CommandError('ERR_USAGE', `${token.rawName} needs a value, ${definition.value}; ${page}`)
  }
  return token.value
}

/** An unknown option's name is repeated only when it looks like one. */
function optionName(rawName: string): string {
  return /^--[a-z][a-z-]{0,30}$/.test(rawName) ? rawName : 'of that name'
}

function checkPositionals(command: Command, given: readonly string[]): void {
  const wanted = command.positionals ?? []
  const page = `see "keyhaven ${command.name} --help".`
  const missing = wanted[given.length]
  if (missing !== undefined) throw new CommandError('ERR_USAGE', `${missing.name} is missing; ${page}`)
  if (given.length > wanted.length) {
    const limit =
      wanted.length === 0
        ? 'takes no arguments besides options'
        : `takes only ${wanted.map(({ name }) => name).join(' ')}`
    throw new CommandError('ERR_USAGE', `"keyhaven ${command.name}" ${limit}; ${page}`)
  }
}
