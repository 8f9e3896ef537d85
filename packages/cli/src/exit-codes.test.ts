import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run, runJson, runProcess, runProcessJson, temporaryFolder } from './testing/command.ts'
import { startServer } from './testing/server.ts'

/** Many processes, one after another, on a machine that may be busy. */
const SLOW = { timeout: 900_000 }
const PIN = '48291357'

test('without a command, with an unknown one, and with bad options the exit code is 2 and stdout stays empty', async () => {
  for (const words of [
    [],
    ['bakup'],
    ['backup', '--hom', 'x'],
    ['keys', 'import'],
    ['serve', '--port', 'many'],
  ]) {
    const { exit, stdout, stderr } = await runProcess(words)
    expect(exit).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^.+\[ERR_[A-Z_]+\]\n$/)
  }
})

test('help and version go to stdout with exit code 0, and the help lists every exit code', async () => {
  const { exit, stdout, stderr } = await runProcess(['--help'])
  expect([exit, stderr]).toEqual([0, ''])
  for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 130])
    expect(stdout).toMatch(new RegExp(`^ +${String(code)} `, 'm'))
  expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true)
  const page = await run(['keys', 'import', '--help'])
  expect([page.exit, page.stdout.includes('"identityKeys"'), page.stderr]).toEqual([0, true, ''])
  expect(await runProcess(['--version'])).toMatchObject({ exit: 0, stdout: '0.1.0\n' })
})

test('with --json a usage error is one line on stdout as well', async () => {
  const { exit, answer } = await runProcessJson(['backup', '--nothing'])
  expect({ exit, answer }).toMatchObject({
    exit: 2,
    answer: { status: 'error', error: { code: 'ERR_USAGE' } },
  })
})

test('a device that is not there is not set up by looking at it', async () => {
  const home = join(await temporaryFolder(), 'home')
  for (const words of [
    ['status'],
    ['backup'],
    ['restore'],
    ['keys', 'list'],
    ['keys', 'export', '--reveal'],
  ]) {
    expect(await runJson([...words, '--home', home])).toMatchObject({
      exit: 6,
      answer: { error: { code: 'ERR_VAULT_MISSING' } },
    })
  }
  await expect(stat(home)).rejects.toThrow()
})

test.each([
  { arguments: ['keys', 'import', '/dev/zero'], code: 'ERR_KEY_FILE_INVALID' },
  {
    arguments: ['vault', 'init', '--protection', 'password', '--password-file', '/dev/zero'],
    code: 'ERR_SECRET_INVALID',
  },
])('a file without end is refused in bounds: $arguments', async ({ arguments: words, code }) => {
  const home = join(await temporaryFolder(), 'home')
  expect(await runProcessJson([...words, '--home', home])).toMatchObject({
    exit: 2,
    answer: { error: { code } },
  })
})

test('an empty home becomes a device of mode 0700 whose key of mode 0600 lies outside its vault', async () => {
  const folder = await temporaryFolder()
  const [home, file] = [join(folder, 'home'), join(folder, 'keys.json')]
  await writeFile(file, '{"identityKeys":{"nostr":"AAECAwQFBgcICQoLDA0ODw=="}}')
  await mkdir(home, { mode: 0o755 })
  expect(await runProcessJson(['keys', 'import', file, '--home', home])).toMatchObject({ exit: 0 })
  expect((await stat(home)).mode & 0o777).toBe(0o700)
  expect((await stat(join(home, 'device.key'))).mode & 0o777).toBe(0o600)
  expect((await readdir(home)).sort()).toEqual(['device.key', 'vault'])
  const inVault = await readdir(join(home, 'vault'), { recursive: true, withFileTypes: true })
  for (const entry of inVault.filter((one) => one.isFile())) {
    const bytes = await readFile(join(entry.parentPath, entry.name))
    expect(bytes.includes(Buffer.from('000102030405060708090a0b', 'hex'))).toBe(false)
  }
  expect(await runProcessJson(['status'], { environment: { KEYHAVEN_HOME: home } })).toMatchObject({
    exit: 6,
    answer: { status: 'signed-out', keys: { identityKeys: 1, conversationKeys: 0 } },
  })
  expect(await runJson(['backup', '--home', home])).toMatchObject({
    exit: 6,
    answer: { error: { code: 'ERR_SIGNED_OUT' } },
  })
})

test('a folder with something else in it is not taken for a device', async () => {
  const folder = await temporaryFolder()
  const file = join(folder, 'keys.json')
  await writeFile(file, '{"identityKeys":{"a":"AAAA"}}')
  for (const home of [folder, file]) {
    for (const words of [
      ['keys', 'import', file],
      ['vault', 'init'],
      ...(home === file ? [['vault', 'list']] : []),
    ]) {
      const answer = { status: 'error', error: { code: 'ERR_HOME_INVALID' } }
      expect(await runJson([...words, '--home', home])).toMatchObject({ exit: 2, answer })
    }
  }
  expect(await readdir(folder)).toEqual(['keys.json'])
})

test('keys are not shown without --reveal', async () => {
  const folder = await temporaryFolder()
  const [home, file, out] = [join(folder, 'home'), join(folder, 'keys.json'), join(folder, 'out')]
  await writeFile(file, '{"identityKeys":{"a":"c2VjcmV0LWtleS1ieXRlcw=="}}')
  await run(['keys', 'import', file, '--home', home])
  for (const words of [
    ['keys', 'export'],
    ['keys', 'export', '--out', out],
    ['keys', 'export', '--json'],
  ]) {
    const { exit, stdout, stderr } = await runProcess([...words, '--home', home])
    expect(exit).toBe(8)
    expect(stdout + stderr).toContain('--reveal')
    expect(stdout + stderr).not.toContain('c2VjcmV0')
  }
  await expect(stat(out)).rejects.toThrow()
  const list = await runProcess(['keys', 'list', '--home', home])
  expect(list.stdout).toMatch(/a +16 bytes +[0-9a-f]{16}/)
  expect(list.stdout).not.toContain('c2VjcmV0')
})

test('files with keys that are broken, missing or in conflict are refused with a code, and nothing changes', async () => {
  const folder = await temporaryFolder()
  const [home, file] = [join(folder, 'home'), join(folder, 'keys.json')]
  await writeFile(file, '{"identityKeys":{"a":"AAAA"},"conversationKeys":{"c":"AQID"}}')
  await run(['keys', 'import', file, '--home', home])
  const before = await runJson(['keys', 'export', '--reveal', '--home', home])
  const broken: [string, number, string][] = [
    ['', 2, 'ERR_KEY_FILE_INVALID'],
    ['{"identityKeys":{"b":"AAAA","c":"?"}}', 2, 'ERR_KEY_FILE_INVALID'],
    ['{"identityKeys":{"b":"AAAA"},"conversationKeys":{"d":"AQID"', 2, 'ERR_KEY_FILE_INVALID'],
    ['{"identityKeys":{"b":"AAAA","":"AAAA"}}', 2, 'ERR_INPUT_INVALID'],
    ['{"identityKeys":{"b":"AAAA","a":"BBBB"}}', 10, 'ERR_IDENTITY_CONFLICT'],
    [`{"identityKeys":{"b":"${'A'.repeat(24 * 1024 * 1024)}"}}`, 2, 'ERR_KEY_FILE_INVALID'],
    [`{"identityKeys":{"${'n'.repeat(24 * 1024 * 1024)}":"AAAA"}}`, 2, 'ERR_INPUT_INVALID'],
  ]
  for (const [text, code, name] of broken) {
    await writeFile(file, text)
    const refused = await runJson(['keys', 'import', file, '--home', home])
    expect(refused).toMatchObject({ exit: code, answer: { error: { code: name } } })
  }
  expect(await runJson(['keys', 'import', join(folder, 'none'), '--home', home])).toMatchObject({
    exit: 2,
    answer: { error: { code: 'ERR_FILE_UNREADABLE' } },
  })
  expect(await runJson(['keys', 'export', '--reveal', '--home', home])).toEqual(before)
})

test('a device whose files were changed is refused with exit code 10', async () => {
  const folder = await temporaryFolder()
  const [home, file] = [join(folder, 'home'), join(folder, 'keys.json')]
  await writeFile(file, '{"identityKeys":{"a":"AAAA"}}')
  await run(['keys', 'import', file, '--home', home])
  const key = join(home, 'device.key')
  const bytes = await readFile(key)
  await writeFile(
    key,
    bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte)),
  )
  expect(await runProcessJson(['keys', 'list', '--home', home])).toMatchObject({
    exit: 10,
    answer: { error: { code: 'ERR_DEVICE_KEY_REFUSED' } },
  })
})

test('each way in which a backup can fail has its exit code', SLOW, async () => {
  // After three wrong PINs of more the next would have to wait.
  const server = await startServer({ KEYHAVEN_REALM_GUESSES: '3' })
  onTestFinished(() => server.stop())
  const folder = await temporaryFolder()
  const [homeA, homeB, file] = [join(folder, 'a'), join(folder, 'b'), join(folder, 'keys.json')]
  await server.signIn(homeA, '+12025550110')
  await writeFile(file, '{"identityKeys":{"a":"AAAA"}}')
  await run(['keys', 'import', file, '--home', homeA])

  const restoreFirst = await runProcessJson(['restore', '--home', homeA], { stdin: PIN })
  expect(restoreFirst).toMatchObject({ exit: 5, answer: { status: 'no-backup' } })
  expect(await runProcessJson(['backup', '--home', homeA])).toMatchObject({
    exit: 9,
    answer: { error: { code: 'ERR_PIN_NEEDED' } },
  })
  for (const pin of ['12345', '111111', '123456', '987654', '121212']) {
    const refused = await runJson(['backup', '--home', homeA], { stdin: pin })
    expect(refused).toMatchObject({ exit: 8, answer: { error: { code: 'ERR_PIN_REFUSED' } } })
  }
  expect(await runJson(['status', '--home', homeA])).toMatchObject({
    exit: 0,
    answer: { backup: { hasBackup: false } },
  })
  expect((await runJson(['backup', '--home', homeA], { stdin: PIN })).exit).toBe(0)

  await server.signIn(homeB, '+12025550110')
  for (const left of [2, 1, 0]) {
    const wrong = await runProcessJson(['restore', '--home', homeB], { stdin: `9081726${String(left)}` })
    if (left > 0)
      expect(wrong).toMatchObject({ exit: 3, answer: { status: 'wrong-pin', guessesRemaining: left } })
  }
  expect(await runProcessJson(['restore', '--home', homeB], { stdin: PIN })).toMatchObject({
    exit: 4,
    answer: { status: 'locked' },
  })
  expect((await runJson(['backup', '--home', homeA])).exit).toBe(0)

  await server.stop()
  expect(await runProcessJson(['backup', '--home', homeA])).toMatchObject({
    exit: 7,
    answer: { error: { code: 'ERR_SERVER_UNAVAILABLE' } },
  })
})
