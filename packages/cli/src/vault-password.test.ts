import { beforeAll, expect, test } from 'vitest'
import { collect, ended, run, runJson, runProcessJson, startCommand } from './testing/command.ts'
import { PASSWORD, passwordHome } from './testing/homes.ts'
import { listProcesses } from './testing/processes.ts'
import { startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

/** Many processes, one after another, on a machine that may be busy. */
const SLOW = { timeout: 900_000 }
const PIN = '48291357'
const PHONE = '+12025550140'
const KEYS = { identityKeys: { nostr: 'c2VjcmV0LWtleS1ieXRlcw==' }, conversationKeys: { one: 'AQID' } }

let server: TestServer

beforeAll(async () => {
  server = await startServer()
  return () => server.stop()
})

async function signIn(opened: readonly string[]): Promise<void> {
  const earlier = server.codeCount()
  const named = ['--server', server.origin, '--phone', PHONE]
  expect(await runJson(['login', '--request', ...named, ...opened])).toMatchObject({ exit: 0 })
  const words = ['login', '--code-stdin', ...opened]
  expect(await runJson(words, { stdin: await server.code(earlier) })).toMatchObject({ exit: 0 })
}

test(
  'keys go from one password home to another; without its password no command does anything',
  SLOW,
  async () => {
    const [one, two] = await Promise.all([passwordHome(), passwordHome()])
    const file = await one.write('keys.json', JSON.stringify(KEYS))
    const login = ['login', '--request', '--server', server.origin, '--phone', PHONE]
    const codes = server.codeCount()
    for (const words of [
      login,
      ['keys', 'import', file],
      ['keys', 'export', '--reveal'],
      ['backup'],
      ['restore'],
      ['status'],
    ]) {
      const refused = await runProcessJson([...words, ...one.named], { stdin: PASSWORD })
      expect([words, refused]).toMatchObject([
        words,
        { exit: 9, answer: { error: { code: 'ERR_PASSWORD_NEEDED' } } },
      ])
    }
    expect(server.codeCount()).toBe(codes)
    await signIn(one.opened)
    await signIn(two.opened)
    expect(await runJson(['keys', 'import', file, ...one.opened])).toMatchObject({ exit: 0 })
    const noPin = await runProcessJson(['backup', ...one.named, '--vault-password-stdin'], {
      stdin: `${PASSWORD}\n${PIN}\n`,
    })
    expect(noPin).toMatchObject({ exit: 9, answer: { error: { code: 'ERR_PIN_NEEDED' } } })
    expect(await runProcessJson(['backup', ...one.opened], { stdin: PIN })).toMatchObject({
      exit: 0,
      answer: { created: true },
    })
    expect(await runProcessJson(['restore', ...two.opened], { stdin: PIN })).toMatchObject({ exit: 0 })
    expect((await runJson(['keys', 'export', '--reveal', ...two.opened])).answer).toEqual(KEYS)
    expect(await runJson(['status', ...two.opened])).toMatchObject({
      exit: 0,
      answer: { backup: { upToDate: true } },
    })
  },
)

test(
  'while a vault is opened by its password, no command line holds it, and no output does afterwards',
  SLOW,
  async () => {
    const { opened, named, write } = await passwordHome()
    const next = await write('next', 'CANARY next password')
    const words = ['vault', 'protect', 'replace', 'password', '--password-file', next, ...opened]
    const child = startCommand(words)
    const output = collect(child)
    const state = { over: false }
    const end = ended(child).finally(() => {
      state.over = true
    })
    const seen: string[] = []
    do {
      seen.push(...listProcesses().map((process) => process.words))
      await new Promise((resolve) => setTimeout(resolve, 20))
    } while (!state.over)
    expect(await end).toBe(0)
    const wrong = await run(['vault', 'list', ...opened])
    const right = await run(['vault', 'list', ...named, '--vault-password-file', next])
    expect([wrong.exit, right.exit]).toEqual([11, 0])
    expect(seen.join('\n')).toContain(next)
    const printed = [output(), wrong, right].map(({ stdout, stderr }) => stdout + stderr)
    for (const text of [...seen, ...printed]) expect(text).not.toMatch(new RegExp(`CANARY|${PASSWORD}`))
  },
)
