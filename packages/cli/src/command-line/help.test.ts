import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { COMMANDS } from '../commands/index.ts'
import { EXIT, EXIT_CODE_MEANINGS } from './exit-codes.ts'
import { renderCommandHelp, renderHelp } from './help.ts'

const commands = await Promise.all([...COMMANDS.values()].map((load) => load()))

test('each command is found under its own name', () => {
  expect(commands.map(({ name }) => name)).toEqual([...COMMANDS.keys()])
})

test('every exit code has a meaning, and the README lists the same ones', () => {
  expect(EXIT_CODE_MEANINGS.map(([code]) => code)).toEqual(Object.values(EXIT))
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, code, meaning]) => [
    Number(code),
    meaning,
  ])
  expect(rows).toEqual(EXIT_CODE_MEANINGS)
})

test('no line of a help page is wider than 80 columns, and each page names every option', () => {
  for (const page of [
    renderHelp(commands, false),
    ...commands.map((command) => renderCommandHelp(command, false)),
  ]) {
    expect(page.split('\n').filter((line) => line.length > 80)).toEqual([])
  }
  for (const command of commands) {
    for (const option of Object.keys(command.options))
      expect(renderCommandHelp(command, false)).toContain(`--${option}`)
  }
})

test('no command takes a secret as the value of an option', () => {
  for (const command of commands) {
    for (const secret of ['pin', 'code', 'password', 'vault-password'])
      expect(Object.keys(command.options)).not.toContain(secret)
  }
})
