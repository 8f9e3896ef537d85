import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { run, runJson, runProcess, runProcessJson, temporaryFolder } from './testing/command.ts'
import { startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startServer()
  return () => server.stop()
})

/** Many processes, one after another, on a machine that may be busy. */
const SLOW = { timeout: 600_000 }
const PIN = '48291357'
const WRONG = '40718263'
const PHONE = '+12025550181'

test(
  'the PIN is checked at no cost, notices are shown once, number and realms change, all is written out',
  SLOW,
  async () => {
    const folder = await temporaryFolder()
    const [home, other] = [join(folder, 'a'), join(folder, 'b')]
    const named = ['--home', home]
    const given = join(folder, 'keys.json')
    await writeFile(given, JSON.stringify({ conversationKeys: { one: 'AQID' } }))
    await server.signIn(home, PHONE)
    await run(['keys', 'import', given, ...named])

    const before = await runJson(['pin', 'check', ...named], { stdin: PIN })
    expect(before).toMatchObject({ exit: 8, answer: { status: 'not-remembered' } })
    expect((await runProcess(['backup', '--remember-pin', ...named], { stdin: PIN })).exit).toBe(0)
    expect((await runProcessJson(['pin', 'check', ...named], { stdin: PIN })).answer).toMatchObject({
      status: 'right',
    })
    const wrong = await runProcessJson(['pin', 'check', ...named], { stdin: WRONG })
    expect(wrong).toMatchObject({ exit: 3, answer: { status: 'wrong' } })
    expect((await runJson(['pin', 'check', '--forget', ...named])).answer).toEqual({ status: 'forgotten' })
    expect((await runJson(['pin', 'check', ...named])).exit).toBe(8)

    expect((await run(['notices', ...named])).stdout).toBe('Nothing new.\n')
    await server.signIn(other, PHONE)
    expect((await runJson(['restore', '--home', other], { stdin: WRONG })).exit).toBe(3)
    const shown = await runJson(['notices', ...named])
    const kinds = (shown.answer['notices'] as { kind: string }[]).map(({ kind }) => kind)
    expect(kinds).toEqual(expect.arrayContaining(['new-device', 'wrong-pin']))
    const dismissed = await runProcess(['notices', '--dismiss', ...named])
    expect(dismissed.stdout).toContain('a wrong PIN was tried')
    expect((await runJson(['notices', ...named])).answer).toMatchObject({ notices: [] })

    const sent = server.codeCount()
    const phone = '+12025550182'
    expect((await runJson(['phone', 'change', ...named])).exit).toBe(2)
    const asked = await runProcessJson(['phone', 'change', '--phone', phone, '--request', ...named])
    expect(asked.answer).toEqual({ status: 'code-sent', phone })
    const changed = await runProcessJson(['phone', 'change', '--code-stdin', ...named], {
      stdin: await server.code(sent),
    })
    expect(changed.answer).toEqual({ status: 'phone-changed', phone })
    const status = await runJson(['status', ...named])
    expect(status.answer).toMatchObject({ phone })

    // The same realm at another address of this machine: the backup is there already, and the device takes the address.
    const realms = status.answer['realms'] as { readonly realms: readonly object[] }
    const file = join(folder, 'realms.json')
    const address = `${server.origin.replace('127.0.0.1', 'localhost')}/realm/`
    const moved = realms.realms.map((realm) => ({ ...realm, address }))
    await writeFile(file, JSON.stringify({ ...realms, realms: moved }))
    expect((await runJson(['realms', 'move', ...named], { stdin: PIN })).exit).toBe(2)
    const done = await runProcessJson(['realms', 'move', '--realms', file, ...named], { stdin: PIN })
    expect(done).toMatchObject({
      exit: 0,
      answer: { status: 'moved', uploaded: 0, realms: { realms: moved } },
    })
    const verified = await runProcessJson(['verify', '--pin-stdin', ...named], { stdin: PIN })
    expect(verified.answer).toMatchObject({ status: 'whole' })
    const elsewhere = [{ ...moved[0], id: 'ab'.repeat(16), address: 'http://127.0.0.1:9/realm/' }]
    await writeFile(file, JSON.stringify({ ...realms, realms: elsewhere }))
    const wrongPin = await runJson(['realms', 'move', '--realms', file, ...named], { stdin: WRONG })
    expect(wrongPin).toMatchObject({ exit: 3, answer: { status: 'wrong-pin' } })
    const down = await runProcessJson(['realms', 'move', '--realms', file, ...named], { stdin: PIN })
    expect(down).toMatchObject({ exit: 7, answer: { error: { code: 'ERR_REALMS_UNAVAILABLE' } } })
    expect((await runJson(['status', ...named])).answer).toMatchObject({ realms: { realms: moved } })

    const out = join(folder, 'everything.json')
    expect((await runProcessJson(['account', 'export', '--out', out, ...named])).answer).toMatchObject({
      status: 'exported',
      keys: 1,
      revealed: false,
    })
    expect((await stat(out)).mode & 0o777).toBe(0o600)
    const written = JSON.parse(await readFile(out, 'utf8')) as Record<string, unknown>
    expect(written).toMatchObject({ phone, device: { joined: true, keys: [{ name: 'one' }] } })
    expect(written).not.toHaveProperty('revealedKeys')
    const revealed = await runJson(['account', 'export', '--reveal', ...named])
    expect(revealed.answer).toMatchObject({ revealedKeys: { conversationKeys: { one: 'AQID' } } })
    expect((await runJson(['account', 'export', '--out', out, ...named])).answer).toMatchObject({
      error: { code: 'ERR_FILE_EXISTS' },
    })
  },
)
