import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { collect, ended, startCommand, temporaryFolder } from './testing/command.ts'

/** Many processes, one after another, on a machine that may be busy. */
const SLOW = { timeout: 240_000 }

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
