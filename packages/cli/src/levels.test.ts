import { randomBytes } from 'node:crypto'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { run, runJson, runProcess, runProcessJson, temporaryFolder } from './testing/command.ts'
import { startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

/** Many processes, one after another, on a machine that may be busy. */
const SLOW = { timeout: 900_000 }
const [PIN, OTHER_PIN] = ['48291357', '73920468']
const WORD = 'marmalade'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
  return () => server.stop()
})

test(
  'a person has two homes of two levels, moves a key to the second, and each PIN restores its own',
  SLOW,
  async () => {
    const folder = await temporaryFolder()
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(folder, name), text)
      return join(folder, name)
    }
    const [pin, otherPin, word] = [
      await file('pin', PIN),
      await file('other pin', OTHER_PIN),
      await file('word', `${WORD}\n`),
    ]
    const signIn = async (home: string, ...level: readonly string[]): Promise<void> => {
      const earlier = server.codeCount()
      const to = ['--server', server.origin, '--phone', '+12025550170']
      expect((await runProcessJson(['login', '--request', '--home', home, ...to, ...level])).exit).toBe(0)
      const done = await runJson(['login', '--home', home, '--code-stdin'], {
        stdin: await server.code(earlier),
      })
      expect(done.exit).toBe(0)
    }
    const [first, second] = [join(folder, 'first'), join(folder, 'second')]
    await signIn(first)
    await signIn(second, '--level-file', word)
    const again = await runJson(['login', '--home', first, '--level-file', word])
    expect(again).toMatchObject({ answer: { error: { code: 'ERR_ACCOUNT_MISMATCH' } } })
    const wordless = await runJson([
      'login',
      '--home',
      join(folder, 'third'),
      '--level',
      '--server',
      server.origin,
    ])
    expect(wordless).toMatchObject({ exit: 2, answer: { error: { code: 'ERR_LEVEL_NEEDED' } } })

    const keys = {
      identityKeys: {},
      conversationKeys: {
        garden: randomBytes(32).toString('base64'),
        work: randomBytes(32).toString('base64'),
      },
    }
    await run(['keys', 'import', await file('keys.json', JSON.stringify(keys)), '--home', first])
    expect((await runJson(['backup', '--home', first, '--pin-file', pin])).exit).toBe(0)
    const unlike = ['backup', '--home', second, '--unlike', first, '--pin-file']
    const same = await runProcessJson([...unlike, pin])
    expect(same).toMatchObject({ exit: 2, answer: { error: { code: 'ERR_SECRET_INVALID' } } })
    const other = await runProcessJson([...unlike, otherPin])
    expect(other).toMatchObject({
      exit: 0,
      answer: { status: 'backed-up', created: true, conversationKeys: 0 },
    })

    expect(await runJson(['keys', 'move', 'garden', '--home', first, '--to', first])).toMatchObject({
      exit: 2,
      answer: { error: { code: 'ERR_USAGE' } },
    })
    expect(await runProcessJson(['keys', 'move', 'garden', '--home', first, '--to', second])).toMatchObject({
      exit: 0,
      answer: { status: 'moved', keys: 1 },
    })
    const repeated = await runProcess(['keys', 'move', 'garden', '--home', first, '--to', second])
    expect(repeated.stdout).toBe(
      'Everything of this name was there already. The level that they left has a new root key; its PIN is the same.\n',
    )

    const realm = { id: server.realmId, address: `${server.origin}/realm/` }
    const counts = { register_threshold: 1, recover_threshold: 1, pin_hashing_mode: 'Standard2019' }
    const realms = await file('realms', JSON.stringify({ realms: [realm], ...counts }))
    const moved = ['realms', 'move', '--realms', realms, '--home', second, '--pin-file', otherPin]
    expect((await runProcessJson(moved)).exit).toBe(0)
    const stays = await runJson(['login', '--request', '--home', second, '--level-file', word])
    expect(stays).toMatchObject({ exit: 0 })

    const fresh = join(folder, 'fresh')
    await signIn(fresh, '--level-file', word)
    expect((await runProcessJson(['restore', '--home', fresh, '--pin-file', otherPin])).exit).toBe(0)
    const listed = async (home: string): Promise<unknown> =>
      (
        (await runJson(['keys', 'list', '--home', home])).answer as { conversationKeys: { name: string }[] }
      ).conversationKeys.map(({ name }) => name)
    expect([await listed(first), await listed(fresh)]).toEqual([['work'], ['garden']])
    const closed = await runProcess(['delete', '--account', '--yes', '--home', first])
    expect(closed.stdout).toContain('Another level, if you have one, is not touched')
    const logged = server.output()
    expect(logged.stdout + logged.stderr).not.toContain(WORD)
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    )
    const paths = files.map((entry) => join(entry.parentPath, entry.name))
    const holders = []
    for (const path of paths) if ((await readFile(path)).includes(WORD)) holders.push(path)
    // The word was given in this one.
    expect(holders).toEqual([word])
  },
)
