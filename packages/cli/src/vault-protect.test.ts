import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run, runJson, runProcessJson } from './testing/command.ts'
import { emptyHome, PASSWORD, passwordHome } from './testing/homes.ts'

/** Many processes on a machine that may be busy. */
const SLOW = { timeout: 900_000 }

/** The bytes of a head, changed, with a checksum that fits. */
function reseal(head: Uint8Array, change: (body: Uint8Array) => void): Uint8Array {
  const body = head.slice(0, -32)
  change(body)
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

function flip(bytes: Uint8Array, index: number): void {
  bytes[index] = (bytes[index] ?? 0) ^ 1
}

test(
  'a password home says what opens it while locked, and tells no, wrong, damaged and tampered apart',
  SLOW,
  async () => {
    const { home, named, opened, write } = await passwordHome()
    expect(await readdir(home)).toEqual(['vault'])
    const list = await runProcessJson(['vault', 'protect', 'list', ...named])
    const stretching = { kdf: 'argon2id', memoryKib: 65536, parallelism: 1 }
    const protections = [{ label: '', factors: [{ type: 'password', stretching }] }]
    expect(list).toMatchObject({ exit: 0, answer: { status: 'ok', protections } })
    expect(await runJson(['vault', 'init', ...named])).toMatchObject({
      exit: 2,
      answer: { error: { code: 'ERR_VAULT_EXISTS' } },
    })
    const read = ['vault', 'list', ...named]
    const wrong = [...read, '--vault-password-file', await write('wrong', 'another password')]
    const head = join(home, 'vault', 'device', 'head')
    const bytes = new Uint8Array(await readFile(head))
    const refuse = async (words: readonly string[], exit: number, code: string): Promise<void> => {
      expect(await runJson(words, { stdin: PASSWORD })).toMatchObject({ exit, answer: { error: { code } } })
    }
    await refuse(read, 9, 'ERR_PASSWORD_NEEDED')
    await refuse(['vault', 'list', ...opened, '--vault-password-stdin'], 2, 'ERR_USAGE')
    await refuse(wrong, 11, 'ERR_PASSWORD_WRONG')
    await writeFile(
      head,
      bytes.map((byte, index) => (index === 40 ? byte ^ 1 : byte)),
    )
    await refuse(['vault', 'list', ...opened], 10, 'ERR_VAULT_DAMAGED')
    // Behind magic, format, id and count stands the one slot, with the wrapped key as its last 48 bytes.
    const slotEnd = 8 + 1 + 16 + 1 + 4 + new DataView(bytes.buffer).getUint32(26)
    await writeFile(
      head,
      reseal(bytes, (body) => {
        flip(body, slotEnd - 1)
      }),
    )
    await refuse(['vault', 'list', ...opened], 10, 'ERR_VAULT_TAMPERED')
    await writeFile(head, bytes)
    expect(
      await runProcessJson([...read, '--vault-password-stdin'], { stdin: `${PASSWORD}\n` }),
    ).toMatchObject({
      exit: 0,
      answer: { status: 'ok', records: [] },
    })
  },
)

test(
  'protections come and go, the old password opens nothing any more, and the last one stays',
  SLOW,
  async () => {
    const { home, named, write } = await emptyHome()
    const [old, next] = [await write('old', PASSWORD), await write('next', 'short')]
    const key = await write('key', 'bytes')
    const protect = (...words: string[]): ReturnType<typeof runJson> =>
      runJson(['vault', 'protect', ...words, ...named])
    expect(await runJson(['vault', 'import', '--as', 'raw', 'a', key, ...named])).toMatchObject({ exit: 0 })
    const adding = ['vault', 'protect', 'add', 'password', '--kdf', 'pbkdf2', '--label', 'at work']
    const added = await runProcessJson([...adding, '--password-file', old, ...named])
    expect(added).toMatchObject({ exit: 0, answer: { type: 'password' } })
    expect(added.answer).not.toHaveProperty('passwordWeakness')
    const { answer } = await protect('list')
    expect(answer['protections']).toMatchObject([
      { factors: [{ type: 'device', provider: 'file' }] },
      { label: 'at work', factors: [{ type: 'password', stretching: { kdf: 'pbkdf2-sha-256' } }] },
    ])
    expect(await protect('remove', 'device')).toMatchObject({
      exit: 0,
      answer: { status: 'removed', left: 1 },
    })
    await expect(stat(join(home, 'device.key'))).rejects.toThrow()
    const openedByOld = ['--vault-password-file', old]
    const replacing = ['vault', 'protect', 'replace', 'password', '--password-file', next, ...openedByOld]
    const replaced = await runProcessJson([...replacing, ...named])
    expect(replaced).toMatchObject({ exit: 0, answer: { type: 'password', passwordWeakness: 'short' } })
    const refused = await protect('replace', 'password', '--password-file', old, ...openedByOld)
    expect(refused).toMatchObject({ exit: 11, answer: { error: { code: 'ERR_PASSWORD_WRONG' } } })
    const last = await protect('remove', String(replaced.answer['id']), '--vault-password-file', next)
    expect(last).toMatchObject({ exit: 8, answer: { error: { code: 'ERR_PROTECTION_LAST' } } })
    const device = await protect('replace', 'password', '--with', 'device', '--vault-password-file', next)
    expect(device).toMatchObject({ exit: 0, answer: { type: 'device' } })
    const exported = await run(['vault', 'export', '--as', 'raw', '--reveal', 'a', ...named])
    expect(exported).toEqual({ exit: 0, stdout: 'bytes', stderr: '' })
  },
)

test('a password that is named is never passed over in silence', SLOW, async () => {
  const { home, named, write } = await emptyHome()
  const [file, wrong, key] = [
    await write('file', PASSWORD),
    await write('wrong', 'x'),
    await write('key', 'bytes'),
  ]
  const refuse = async (words: readonly string[], exit: number, code: string): Promise<void> => {
    expect(await runJson([...words, ...named])).toMatchObject({ exit, answer: { error: { code } } })
  }
  const importKey = ['vault', 'import', '--as', 'raw', 'a', key]
  await refuse([...importKey, '--vault-password-file', file], 2, 'ERR_HOME_INVALID')
  await refuse(['vault', 'init', '--password-file', file], 2, 'ERR_USAGE')
  await refuse(['vault', 'init', '--kdf', 'pbkdf2'], 2, 'ERR_USAGE')
  await expect(stat(home)).rejects.toThrow()
  expect(await runJson(['vault', 'init', ...named])).toMatchObject({ exit: 0, answer: { status: 'created' } })
  await refuse(['vault', 'list', '--vault-password-file', file], 2, 'ERR_PROTECTION_MISSING')
  await run(['vault', 'protect', 'add', 'password', '--password-file', file, ...named])
  await refuse(['vault', 'list', '--vault-password-file', wrong], 11, 'ERR_PASSWORD_WRONG')
})

test('a vault is destroyed when it is meant, and only once', SLOW, async () => {
  const { home, named } = await emptyHome()
  await run(['vault', 'init', ...named])
  const before = await readdir(home, { recursive: true })
  const refuse = async (words: readonly string[], exit: number, code: string): Promise<void> => {
    expect(await runJson([...words, ...named])).toMatchObject({ exit, answer: { error: { code } } })
  }
  await refuse(['vault', 'destroy'], 8, 'ERR_CONFIRMATION_NEEDED')
  expect(await readdir(home, { recursive: true })).toEqual(before)
  const destroyed = await runProcessJson(['vault', 'destroy', '--yes', ...named])
  expect(destroyed).toMatchObject({ exit: 0, answer: { status: 'destroyed', home } })
  expect(await readdir(home)).toEqual([])
  await refuse(['vault', 'destroy', '--yes'], 6, 'ERR_VAULT_MISSING')
})

test.each(['locked', 'damaged', 'half destroyed'])(
  'of a %s vault nothing is left either',
  SLOW,
  async (kind) => {
    const { home, named } = kind === 'locked' ? await passwordHome() : await emptyHome()
    if (kind !== 'locked') await run(['vault', 'init', ...named])
    if (kind === 'damaged') await writeFile(join(home, 'vault', 'device', 'head'), 'KEYHAVEN')
    if (kind === 'half destroyed') await rm(join(home, 'vault'), { recursive: true })
    expect((await readdir(home)).length).toBeGreaterThan(0)
    expect(await runJson(['vault', 'destroy', '--yes', ...named])).toMatchObject({ exit: 0 })
    expect(await readdir(home)).toEqual([])
  },
)
