import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { describeDemo } from './commands/demo.ts'
import type { DemoResult } from './demo/run-demo.ts'
import { collect, ended, startCommand, temporaryFolder } from './testing/command.ts'

/** Many processes, one after another, on a machine that may be busy. */
const SLOW = { timeout: 900_000 }

test(
  'the demo holds: identical keys, a wrong PIN counted, no leak; it prints one line and leaves nothing',
  SLOW,
  async () => {
    const temporary = await temporaryFolder()
    const child = startCommand(['demo', '--json'], {
      TMPDIR: temporary,
      DATABASE_URL: 'postgres://not-used',
      KEYHAVEN_HOME: '/x',
    })
    const output = collect(child)
    const exit = await ended(child)
    const { stdout, stderr } = output()
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^[^\n]+\n$/)
    const answer = JSON.parse(stdout) as Record<string, unknown>
    expect(answer).toEqual({
      identical: true,
      identityKeys: 4,
      conversationKeys: 1000,
      wrongPin: { guessesRemaining: 9 },
      leaks: 0,
      ms: expect.any(Object) as unknown,
    })
    expect(Object.keys(answer['ms'] as object)).toEqual(
      'start signInA makeKeys backup signInB wrongPin restore compare secondPerson stop search total'.split(
        ' ',
      ),
    )
    expect(exit).toBe(0)
    expect(await readdir(temporary)).toEqual([])
  },
)

const held: DemoResult = {
  identical: true,
  identityKeys: 4,
  conversationKeys: 1000,
  wrongPin: { guessesRemaining: 9 },
  search: { bytes: 1, leaks: 0, findings: [], unmarked: [] },
}

test('one leak or one other byte makes the exit code 1, and the place of the leak is named', () => {
  expect(describeDemo(held, {})).toMatchObject({ exit: 0, json: { identical: true, leaks: 0 } })
  expect(describeDemo({ ...held, identical: false }, {})).toMatchObject({
    exit: 1,
    json: { identical: false },
  })
  const search = { ...held.search, leaks: 1, findings: [{ place: 'answer bodies', form: 'base64' }] } as const
  const leaked = describeDemo({ ...held, search }, {})
  expect(leaked).toMatchObject({ exit: 1, json: { leaks: 1 } })
  expect(leaked.text).toContain('a secret in answer bodies, written as base64')
})

test('a search that would not have found anything fails the demo', () => {
  const search = { ...held.search, unmarked: ["the server's log"] }
  expect(() => describeDemo({ ...held, search }, {})).toThrow(
    expect.objectContaining({ code: 'ERR_DEMO_FAILED', exit: 1 }),
  )
})
