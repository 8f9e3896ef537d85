import { randomBytes, randomUUID } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { run, runJson, runProcess, runProcessJson, temporaryFolder } from './testing/command.ts'
import { readVectors } from './testing/homes.ts'
import { startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startServer()
  return () => server.stop()
})

/** Many processes, one after another, on a machine that may be busy. */
const SLOW = { timeout: 900_000 }
const PIN = '48291357'
const OTHER_PIN = '73920468'

function makeFile(): { identityKeys: Record<string, string>; conversationKeys: Record<string, string> } {
  const key = (length: number): string => randomBytes(length).toString('base64')
  return {
    identityKeys: { nostr: key(32), 'ml-kem-1024': key(3168), 'one byte': key(1), 'ünï "quoted"': key(33) },
    conversationKeys: {
      ...Object.fromEntries(Array.from({ length: 50 }, () => [randomUUID(), key(32)])),
      'NOT-A-uuid': key(64),
      '42': key(16),
    },
  }
}

test("a person's own file goes through two homes and comes out with the same bytes", SLOW, async () => {
  const folder = await temporaryFolder()
  const [homeA, homeB] = [join(folder, 'home A'), join(folder, 'home B')]
  const file = makeFile()
  const [given, pinFile, out] = [join(folder, 'keys.json'), join(folder, 'pin'), join(folder, 'out.json')]
  await writeFile(given, JSON.stringify(file))
  await writeFile(pinFile, `${PIN}\n`)

  await server.signIn(homeA, '+12025550101')
  const imported = await runProcessJson(['keys', 'import', given, '--home', homeA])
  expect(imported).toMatchObject({
    exit: 0,
    answer: { status: 'imported', identityKeys: 4, conversationKeys: 52 },
  })
  const first = await runProcessJson(['backup', '--home', homeA, '--pin-file', pinFile])
  expect(first).toMatchObject({
    exit: 0,
    answer: { status: 'backed-up', created: true, identityKeys: 4, conversationKeys: 52 },
  })
  expect(await runJson(['backup', '--home', homeA])).toMatchObject({
    exit: 0,
    answer: { created: false, uploaded: 0 },
  })

  await server.signIn(homeB, '+12025550101')
  const wrong = await runProcessJson(['restore', '--home', homeB, '--pin-stdin'], { stdin: '90817263' })
  expect(wrong).toMatchObject({ exit: 3, answer: { status: 'wrong-pin', guessesRemaining: 9 } })
  const nothing = await runJson(['keys', 'list', '--home', homeB])
  expect(nothing).toMatchObject({ exit: 0, answer: { identityKeys: [], conversationKeys: [] } })
  const restored = await runProcessJson(['restore', '--home', homeB, '--pin-file', pinFile])
  expect(restored).toMatchObject({
    exit: 0,
    answer: { status: 'restored', identityKeys: 4, conversationKeys: 52 },
  })

  const exported = await runProcessJson(['keys', 'export', '--reveal', '--home', homeB])
  expect(exported.answer).toEqual(file)
  expect(await runProcess(['keys', 'export', '--reveal', '--out', out, '--home', homeB])).toMatchObject({
    exit: 0,
  })
  expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(file)
  expect((await stat(out)).mode & 0o777).toBe(0o600)
  const kept = await runJson(['keys', 'export', '--reveal', '--out', out, '--home', homeB])
  expect(kept).toMatchObject({ exit: 2, answer: { error: { code: 'ERR_FILE_EXISTS' } } })

  const status = await runProcessJson(['status', '--home', homeB])
  expect(status).toMatchObject({
    exit: 0,
    answer: {
      status: 'ok',
      phone: '+12025550101',
      keys: { identityKeys: 4, conversationKeys: 52 },
      realms: { realms: [{ id: server.realmId, address: `${server.origin}/realm/` }], recover_threshold: 1 },
      backup: { hasBackup: true, upToDate: true },
    },
  })
})

test('keys that are added on one device later arrive on the other', SLOW, async () => {
  const folder = await temporaryFolder()
  const [homeA, homeB, given] = [join(folder, 'a'), join(folder, 'b'), join(folder, 'keys.json')]
  await server.signIn(homeA, '+12025550102')
  await writeFile(
    given,
    JSON.stringify({ identityKeys: { nostr: 'AAAA' }, conversationKeys: { one: 'AQID' } }),
  )
  await run(['keys', 'import', given, '--home', homeA])
  expect((await run(['backup', '--home', homeA], { stdin: PIN })).exit).toBe(0)
  await server.signIn(homeB, '+12025550102')
  expect((await run(['restore', '--home', homeB], { stdin: PIN })).exit).toBe(0)
  await writeFile(given, JSON.stringify({ conversationKeys: { two: 'BAUG' } }))
  await run(['keys', 'import', given, '--home', homeA])
  expect(await runJson(['status', '--home', homeA])).toMatchObject({
    answer: { backup: { upToDate: false } },
  })
  const sent = await runProcessJson(['sync', '--home', homeA])
  expect(sent).toMatchObject({ exit: 0, answer: { status: 'synced', uploaded: 1, received: true } })
  const fetched = await runProcessJson(['sync', '--home', homeB])
  expect(fetched).toMatchObject({ exit: 0, answer: { status: 'synced', uploaded: 0, received: true } })
  expect((await runJson(['keys', 'export', '--reveal', '--home', homeB])).answer).toEqual({
    identityKeys: { nostr: 'AAAA' },
    conversationKeys: { one: 'AQID', two: 'BAUG' },
  })
  const changed = await runProcessJson(['pin', 'change', '--home', homeB], { stdin: OTHER_PIN })
  expect(changed).toMatchObject({ exit: 0, answer: { status: 'pin-changed', generation: 2 } })
  const rotated = await runProcessJson(['rotate', '--home', homeA])
  expect(rotated).toMatchObject({ exit: 0, answer: { status: 'rotated', generation: 3 } })
  const verify = ['verify', '--pin-stdin', '--home', homeB]
  expect(await runJson(verify, { stdin: PIN })).toMatchObject({ exit: 3, answer: { guessesRemaining: 9 } })
  const proven = await runProcess(verify, { stdin: OTHER_PIN })
  expect(proven).toMatchObject({ exit: 0, stderr: '' })
  expect(proven.stdout).toMatch(
    /^The backup is whole: 1 identity key and 2 conversation keys .* The PIN opens it\.\n$/,
  )
})

test(
  'a key that PubPay left goes into the vault, the backup, and the vault of the next device',
  SLOW,
  async () => {
    const folder = await temporaryFolder()
    const [homeA, homeB, file] = [join(folder, 'a'), join(folder, 'b'), join(folder, 'pubpay.json')]
    const [sample] = readVectors('pubpay') as { nsec: string; publicKey: string; localStorage: object }[]
    await writeFile(file, JSON.stringify(sample?.localStorage))
    await server.signIn(homeA, '+12025550103')
    const migrated = await runProcess(['vault', 'migrate', '--from', 'pubpay', file, '--home', homeA])
    expect(migrated.stdout).toContain('"keyhaven keys from-vault nostr"')
    const fromVault = ['keys', 'from-vault', 'nostr', '--home', homeA]
    expect(await runProcessJson(fromVault)).toMatchObject({ exit: 0, answer: { name: 'nostr', added: true } })
    expect(await runJson(fromVault)).toMatchObject({ exit: 0, answer: { name: 'nostr', added: false } })
    expect((await run(['backup', '--home', homeA], { stdin: PIN })).exit).toBe(0)
    await server.signIn(homeB, '+12025550103')
    expect((await run(['restore', '--home', homeB], { stdin: PIN })).exit).toBe(0)
    const toVault = ['keys', 'to-vault', 'nostr', '--as', 'nostr', '--home', homeB]
    const answer = { status: 'kept', publicKey: sample?.publicKey }
    expect(await runProcessJson(toVault)).toMatchObject({ exit: 0, answer })
    expect(await runJson(toVault)).toMatchObject({ exit: 0, answer })
    const exported = await runProcess([
      'vault',
      'export',
      '--as',
      'nsec',
      '--reveal',
      'nostr',
      '--home',
      homeB,
    ])
    expect(exported.stdout).toBe(`${sample?.nsec ?? ''}\n`)
    const refused = async (words: readonly string[], code: string): Promise<void> => {
      expect(await runJson([...words, '--home', homeB])).toMatchObject({ answer: { error: { code } } })
    }
    await refused(['keys', 'to-vault', 'nostr', '--as', 'raw'], 'ERR_IDENTITY_CONFLICT')
    await refused(['keys', 'to-vault', 'constructor', '--as', 'raw'], 'ERR_RECORD_MISSING')
    await refused(['keys', 'from-vault', 'cli/settings'], 'ERR_USAGE')
  },
)
