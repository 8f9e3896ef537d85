/** The help pages: one for the whole program, one for each command. Plain text, at most 80 columns where words allow. */
import { styleText } from 'node:util'
import { COMMON_OPTIONS } from './command.ts'
import type { Command, OptionDefinition } from './command.ts'
import { EXIT_CODE_MEANINGS } from './exit-codes.ts'

const WIDTH = 80

const GROUPS: readonly (readonly [Command['group'], string])[] = [
  ['device', 'On a device'],
  ['vault', "On a device's vault"],
  ['server', 'On a server'],
  ['demo', 'To see all of it work'],
]

/** The page of `keyhaven --help`, or of a family of commands, as in `keyhaven vault --help`. */
export function renderHelp(commands: readonly Command[], style: boolean): string {
  const lines = [
    'keyhaven: private keys, encrypted on each device, and back on the next one',
    'with a phone number and a PIN.',
    '',
    `${heading('Usage', style)}  keyhaven COMMAND [options]`,
  ]
  for (const [group, title] of GROUPS) {
    const rows = commands
      .filter((command) => command.group === group)
      .map(({ name, summary }) => [name, summary] as const)
    if (rows.length > 0) lines.push('', heading(title, style), ...table(rows))
  }
  lines.push('', heading('Every command', style), ...optionRows(COMMON_OPTIONS), ...exitCodes(style))
  lines.push(
    '',
    ...wrap(
      'Secrets (PIN, sign-in code, passwords) are asked for, or read from a file or stdin; never from the command line.',
      WIDTH,
    ),
  )
  return lines.join('\n')
}

/** The page of `keyhaven COMMAND --help`. */
export function renderCommandHelp(command: Command, style: boolean): string {
  const positionals = command.positionals ?? []
  const usage = ['keyhaven', command.name, ...positionals.map(({ name }) => name), '[options]'].join(' ')
  const lines = [...wrap(`${command.summary}.`, WIDTH), '', `${heading('Usage', style)}  ${usage}`]
  for (const paragraph of command.details ?? []) lines.push('', ...wrap(paragraph, WIDTH))
  if (positionals.length > 0) {
    lines.push(
      '',
      heading('Arguments', style),
      ...table(positionals.map(({ name, summary }) => [name, summary] as const)),
    )
  }
  lines.push(
    '',
    heading('Options', style),
    ...optionRows({ ...command.options, ...COMMON_OPTIONS }),
    ...exitCodes(style),
  )
  return lines.join('\n')
}

function exitCodes(style: boolean): string[] {
  const rows = EXIT_CODE_MEANINGS.map(([code, meaning]) => [String(code).padStart(3), meaning] as const)
  return ['', heading('Exit codes', style), ...table(rows)]
}

function optionRows(options: Readonly<Record<string, OptionDefinition>>): string[] {
  return table(
    Object.entries(options).map(([name, option]) => {
      const label = option.value === undefined ? `--${name}` : `--${name} ${option.value}`
      const fallback = option.default === undefined ? '' : ` (default: ${option.default})`
      return [label, option.summary + fallback] as const
    }),
  )
}

/** Two columns, the second wrapped. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.max(...rows.map(([label]) => label.length)) + 2
  return rows.flatMap(([label, text]) =>
    wrap(text, WIDTH - left - 2).map((line, index) => `  ${(index === 0 ? label : '').padEnd(left)}${line}`),
  )
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

function heading(text: string, style: boolean): string {
  return style ? styleText('bold', text) : text
}
