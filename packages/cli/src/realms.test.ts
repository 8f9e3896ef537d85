import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { run, runJson, runProcess, runProcessJson, temporaryFolder } from './testing/command.ts'
import { startRealm, startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

let server: TestServer
let others: readonly TestServer[]

beforeAll(async () => {
  server = await startServer()
  others = await Promise.all([startRealm(server.origin), startRealm(server.origin)])
  return () => Promise.all([server, ...others].map((each) => each.stop()))
})

/** Many processes, one after another, on a machine that may be busy. */
const SLOW = { timeout: 600_000 }
const PIN = '48291357'
const PHONE = '+12025550191'

function realmsOf(servers: readonly TestServer[], threshold: number): string {
  return JSON.stringify({
    realms: servers.map(({ realmId, origin }, index) => ({
      id: realmId,
      address: `${origin}/realm/`,
      ...(index < 2 && { operator: { name: `Operator ${String(index)}`, jurisdiction: 'Iceland' } }),
    })),
    register_threshold: servers.length,
    recover_threshold: threshold,
    pin_hashing_mode: 'Standard2019',
  })
}

test(
  'a backup goes from one realm to two of three by signed files, on each device, and no device goes back',
  SLOW,
  async () => {
    const folder = await temporaryFolder()
    const file = (name: string): string => join(folder, name)
    await writeFile(file('one'), realmsOf([server], 1))
    await writeFile(file('three'), realmsOf([server, ...others], 2))
    const key = await runProcessJson(['realms', 'new-key', '--out', file('key')])
    const publicKey = String(key.answer['publicKey'])
    const first = [
      'realms',
      'sign',
      '--realms',
      file('one'),
      '--key-file',
      file('key'),
      '--out',
      file('first'),
    ]
    expect((await runJson(first)).answer).toMatchObject({ counter: 1, previous: 0 })
    const later = ['--after', file('first'), '--out', file('second')]
    const signing = ['realms', 'sign', '--realms', file('three'), '--key-file', file('key'), ...later]
    const second = await runProcessJson(signing)
    expect(second.answer).toMatchObject({ status: 'signed', counter: 2, previous: 1, publicKey })
    expect(await readFile(file('second'), 'utf8')).not.toContain((await readFile(file('key'), 'utf8')).trim())

    const [home, late, fresh] = [
      ['--home', file('a')],
      ['--home', file('b')],
      ['--home', file('c')],
    ] as const
    const login = async (where: readonly string[], document: string): Promise<string> => {
      const sent = server.codeCount()
      const named = ['--server', server.origin, '--phone', PHONE, '--realms', file(document)]
      const signedBy = ['--realms-key', publicKey]
      expect((await runJson(['login', '--request', ...named, ...signedBy, ...where])).exit).toBe(0)
      const stdin = await server.code(sent)
      return (await runProcess(['login', '--code-stdin', ...where], { stdin })).stdout
    }
    expect(await login(home, 'first')).toContain('1 realm')
    await writeFile(file('keys'), JSON.stringify({ conversationKeys: { one: 'AQID' } }))
    await run(['keys', 'import', file('keys'), ...home])
    expect((await run(['backup', ...home], { stdin: PIN })).exit).toBe(0)
    expect((await run(['realms', ...home])).stdout).toContain(
      `run by Operator 0 (Iceland)\nWhoever runs it could try every PIN`,
    )

    // A device that comes before the move finds the backup where it is.
    expect(await login(late, 'second')).toContain('1 realm')
    expect((await run(['restore', ...late], { stdin: PIN })).exit).toBe(0)
    expect((await runJson(['realms', ...late])).answer).toMatchObject({
      realmsToCollude: 1,
      toMove: { recover_threshold: 2 },
    })

    const move = (
      where: readonly string[],
      name: string,
      ...more: readonly string[]
    ): ReturnType<typeof runJson> =>
      runJson(['realms', 'move', '--realms', file(name), ...more, ...where], { stdin: PIN })
    expect(await move(home, 'three')).toMatchObject({
      exit: 2,
      answer: { error: { code: 'ERR_CONFIGURATION_INVALID' } },
    })
    const moving = ['realms', 'move', '--realms', file('second'), ...home]
    expect(await runProcessJson(moving, { stdin: PIN })).toMatchObject({
      exit: 0,
      answer: { status: 'moved', oldRegistrationRemainsOn: [], realms: { recover_threshold: 2 } },
    })
    expect(await move(home, 'first')).toMatchObject({
      exit: 10,
      answer: { error: { code: 'ERR_CONFIGURATION_REJECTED' } },
    })
    const forged = (await readFile(file('second'), 'utf8')).replace('"signature":"', '"signature":"00')
    await writeFile(file('forged'), forged.replace(/..("\})$/m, '$1'))
    expect(await move(home, 'forged')).toMatchObject({
      exit: 10,
      answer: { error: { code: 'ERR_CONFIGURATION_REJECTED' } },
    })
    expect((await move(home, 'second', '--realms-key', 'ab'.repeat(32))).answer).toMatchObject({
      error: { code: 'ERR_REALMS_PINNED' },
    })

    expect(await move(late, 'second')).toMatchObject({ exit: 0, answer: { status: 'moved', uploaded: 0 } })
    expect((await runProcess(['realms', ...home])).stdout).toContain('2 of them together could try every PIN')
    expect((await runJson(['realms', ...home])).answer).toMatchObject({
      realmsToCollude: 2,
      operatorsToCollude: 2,
      realmsToLose: 2,
      signedBy: publicKey,
      toMove: null,
    })

    // What the other operators' realms did about these users is read with this server's own key.
    const audit = async (
      of: TestServer | undefined,
      realm = of,
      ...more: readonly string[]
    ): ReturnType<typeof runJson> => {
      const where = ['--address', `${of?.origin ?? ''}/realm/`, '--realm', realm?.realmId ?? '']
      return runProcessJson(['realm', 'audit', ...where, '--data', server.dataDirectory, ...more])
    }
    const earliest = await audit(others[0], others[0], '--limit', '1')
    expect(earliest).toMatchObject({
      exit: 0,
      answer: { events: [{ type: 'registered' }], cursor: expect.stringMatching(/^000/) as string },
    })
    const rest = await audit(others[0], others[0], '--after', String(earliest.answer['cursor']))
    expect(rest).toMatchObject({ exit: 0, answer: { status: 'ok', more: false } })
    expect(await audit(others[0], others[1])).toMatchObject({
      exit: 8,
      answer: { error: { code: 'ERR_SERVER_REFUSED', details: { rule: 'ERR_TOKEN_REJECTED' } } },
    })

    // One realm has gone for good: the two others bring the keys to a new device.
    expect(await login(fresh, 'second')).toContain('3 realms')
    await others[1]?.stop()
    expect((await runProcessJson(['restore', ...fresh], { stdin: PIN })).answer).toMatchObject({
      status: 'restored',
    })
    const shown = await runJson(['keys', 'export', '--reveal', ...fresh])
    expect(shown.answer).toMatchObject({ conversationKeys: { one: 'AQID' } })
  },
)
