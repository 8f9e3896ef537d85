import { expect, test } from 'vitest'
import { parseRequest } from './arguments.ts'
import type { Command } from './command.ts'

const command = (name: string, extra: Partial<Command> = {}): Command => ({
  name,
  group: 'device',
  summary: name,
  options: {
    home: { value: 'DIR', summary: '' },
    'pin-file': { value: 'FILE', summary: '' },
    reveal: { summary: '' },
  },
  run: () => Promise.reject(new Error('not run here')),
  ...extra,
})
const COMMANDS = [
  command('backup'),
  command('keys import', { positionals: [{ name: 'FILE', summary: '' }] }),
  command('keys list'),
]
const parse = (...words: string[]) => parseRequest(words, COMMANDS)

function usageFault(...words: string[]): string {
  try {
    parse(...words)
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && fault.code === 'ERR_USAGE') return fault.message
    throw fault
  }
  throw new Error('no fault')
}

test('options stand after the command, before it, and with an equals sign', () => {
  for (const words of [
    ['backup', '--home', '/a b', '--json'],
    ['--home', '/a b', '--json', 'backup'],
    ['backup', '--home=/a b', '--json'],
  ]) {
    const request = parse(...words)
    expect(request.kind === 'run' && [...request.options].sort()).toEqual([
      ['home', '/a b'],
      ['json', true],
    ])
  }
})

test('a command of two words takes its argument', () => {
  const request = parse('keys', 'import', 'file.json', '--home', 'd')
  expect(request.kind === 'run' && [request.command.name, request.positionals]).toEqual([
    'keys import',
    ['file.json'],
  ])
})

test('help and version are found wherever they are asked for', () => {
  expect(parse('--help')).toEqual({ kind: 'help', command: undefined })
  expect(parse('help')).toEqual({ kind: 'help', command: undefined })
  expect(parse('help', 'keys', 'list')).toMatchObject({ kind: 'help', command: { name: 'keys list' } })
  expect(parse('keys', 'import', '--help')).toMatchObject({ kind: 'help', command: { name: 'keys import' } })
  expect(parse('backup', '-h')).toMatchObject({ kind: 'help', command: { name: 'backup' } })
  expect(parse('--version')).toEqual({ kind: 'version' })
})

test.each([
  [[], 'Name a command'],
  [['bakup'], 'no such command'],
  [['keys'], '"keyhaven keys import", "keyhaven keys list"'],
  [['backup', '--hom', 'x'], 'no option --hom'],
  [['backup', '-x'], 'no option of that name'],
  [['backup', '--home'], '--home needs a value, DIR'],
  [['backup', '--home', '--json'], '--home needs a value, DIR'],
  [['backup', '--home='], '--home needs a value, DIR'],
  [['backup', '--reveal=yes'], '--reveal takes no value'],
  [['backup', '--home', 'a', '--home', 'b'], '--home is given twice'],
  [['keys', 'import'], 'FILE is missing'],
  [['keys', 'import', 'a', 'b'], 'takes only FILE'],
])('%j is a usage error that says: %s', (words, text) => {
  expect(usageFault(...words)).toContain(text)
})

test('a PIN on the command line is refused in words and repeated nowhere', () => {
  for (const words of [
    ['--pin', '482913'],
    ['--pin=482913'],
    ['482913'],
    ['--482913'],
    ['--passphrase', '482913'],
  ]) {
    expect(usageFault('backup', ...words)).not.toContain('482913')
  }
  expect(usageFault('backup', '--pin', '482913')).toContain('--pin-file FILE')
})

test('commands of three words are found, and their group is named when one is missing', () => {
  const commands = ['vault list', 'vault protect add', 'vault protect list'].map((name) => command(name))
  const request = parseRequest(['vault', 'protect', 'list', '--home', 'd'], commands)
  expect(request.kind === 'run' && request.command.name).toBe('vault protect list')
  expect(() => parseRequest(['vault', 'protect'], commands)).toThrow(
    /^Name one of "keyhaven vault protect add", "keyhaven vault protect list"\.$/,
  )
  expect(() => parseRequest(['vault', 'erase'], commands)).toThrow(/"keyhaven vault list", /)
})

test('a password on the command line is refused with the options that the command has for it', () => {
  const files = (...names: string[]): Partial<Command> => ({
    options: Object.fromEntries(names.map((name) => [name, { value: 'FILE', summary: '' }])),
  })
  const commands = [
    command('init', files('password-file', 'vault-password-file')),
    command('list', files('vault-password-file')),
  ]
  for (const [words, option] of [
    [['init', '--password', 'hunter2'], '--password-file FILE'],
    [['init', '--vault-password=hunter2'], '--vault-password-file FILE'],
    [['list', '--password', 'hunter2'], '--vault-password-file FILE'],
  ] as const) {
    expect(() => parseRequest(words, commands)).toThrow(option)
    expect(() => parseRequest(words, commands)).not.toThrow('hunter2')
  }
})
