import { expect, test } from 'vitest'
import { parseRequest } from './arguments.ts'
import type { Command, CommandTable } from './command.ts'

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
const tableOf = (commands: readonly Command[]): CommandTable =>
  new Map(commands.map((known) => [known.name, () => Promise.resolve(known)]))
const COMMANDS = tableOf([
  command('backup'),
  command('keys import', { positionals: [{ name: 'FILE', summary: '' }] }),
  command('keys list'),
])
const parse = (...words: string[]) => parseRequest(words, COMMANDS)

async function usageFault(words: readonly string[], commands = COMMANDS): Promise<string> {
  const fault: unknown = await parseRequest(words, commands).catch((thrown: unknown) => thrown)
  if (fault instanceof Error && 'code' in fault && fault.code === 'ERR_USAGE') return fault.message
  throw new Error('no usage fault')
}

test('options stand after the command, before it, and with an equals sign', async () => {
  for (const words of [
    ['backup', '--home', '/a b', '--json'],
    ['--home', '/a b', '--json', 'backup'],
    ['backup', '--home=/a b', '--json'],
  ]) {
    const request = await parse(...words)
    expect(request.kind === 'run' && [...request.options].sort()).toEqual([
      ['home', '/a b'],
      ['json', true],
    ])
  }
})

test('a command of two words takes its argument', async () => {
  const request = await parse('keys', 'import', 'file.json', '--home', 'd')
  expect(request.kind === 'run' && [request.command.name, request.positionals]).toEqual([
    'keys import',
    ['file.json'],
  ])
})

test('help and version are found wherever they are asked for', async () => {
  expect(await parse('--help')).toEqual({ kind: 'help', command: undefined })
  expect(await parse('help')).toEqual({ kind: 'help', command: undefined })
  expect(await parse('help', 'keys', 'list')).toMatchObject({ kind: 'help', command: { name: 'keys list' } })
  expect(await parse('keys', 'import', '--help')).toMatchObject({
    kind: 'help',
    command: { name: 'keys import' },
  })
  expect(await parse('backup', '-h')).toMatchObject({ kind: 'help', command: { name: 'backup' } })
  expect(await parse('--version')).toEqual({ kind: 'version' })
})

test.each([
  [[], 'Name a command'],
  [['bakup'], 'no such command'],
  [['keys'], '"keyhaven keys" goes on with one of: import, list'],
  [['backup', '--hom', 'x'], 'no option --hom'],
  [['backup', '-x'], 'no option of that name'],
  [['backup', '--home'], '--home needs a value, DIR'],
  [['backup', '--home', '--json'], '--home needs a value, DIR'],
  [['backup', '--home='], '--home needs a value, DIR'],
  [['backup', '--reveal=yes'], '--reveal takes no value'],
  [['backup', '--home', 'a', '--home', 'b'], '--home is given twice'],
  [['keys', 'import'], 'FILE is missing'],
  [['keys', 'import', 'a', 'b'], 'takes only FILE'],
])('%j is a usage error that says: %s', async (words, text) => {
  expect(await usageFault(words)).toContain(text)
})

test('a PIN on the command line is refused in words and repeated nowhere', async () => {
  for (const words of [
    ['--pin', '482913'],
    ['--pin=482913'],
    ['482913'],
    ['--482913'],
    ['--passphrase', '482913'],
  ]) {
    expect(await usageFault(['backup', ...words])).not.toContain('482913')
  }
  expect(await usageFault(['backup', '--pin', '482913'])).toContain('--pin-file FILE')
})

test('commands of three words are found, and their group is named when one is missing', async () => {
  const commands = tableOf(
    ['vault list', 'vault protect add', 'vault protect list'].map((name) => command(name)),
  )
  const request = await parseRequest(['vault', 'protect', 'list', '--home', 'd'], commands)
  expect(request.kind === 'run' && request.command.name).toBe('vault protect list')
  expect(await usageFault(['vault', 'protect'], commands)).toMatch(
    /^"keyhaven vault protect" goes on with one of: add, list\.$/,
  )
  for (const [words, family] of [
    [['vault', '--help'], 'vault '],
    [['--home', 'd', 'vault', 'protect', '-h'], 'vault protect '],
  ] as const) {
    expect(await parseRequest(words, commands)).toEqual({ kind: 'help', command: undefined, family })
  }
  expect(await usageFault(['vault', 'erase'], commands)).toContain('goes on with one of: list, protect.')
})

test('a password on the command line is refused with the options that the command has for it', async () => {
  const files = (...names: string[]): Partial<Command> => ({
    options: Object.fromEntries(names.map((name) => [name, { value: 'FILE', summary: '' }])),
  })
  const commands = tableOf([
    command('init', files('password-file', 'vault-password-file')),
    command('list', files('vault-password-file')),
  ])
  for (const [words, option] of [
    [['init', '--password', 'hunter2'], '--password-file FILE'],
    [['init', '--vault-password=hunter2'], '--vault-password-file FILE'],
    [['list', '--password', 'hunter2'], '--vault-password-file FILE'],
  ] as const) {
    const said = await usageFault(words, commands)
    expect(said).toContain(option)
    expect(said).not.toContain('hunter2')
  }
})
