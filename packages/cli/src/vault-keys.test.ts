import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run, runJson, runProcess, runProcessJson } from './testing/command.ts'
import { emptyHome, readVectors } from './testing/homes.ts'

/** Many processes on a machine that may be busy. */
const SLOW = { timeout: 900_000 }

interface PubPaySample {
  readonly n: number
  readonly mode: 'device' | 'password'
  readonly secretKeyHex: string
  readonly nsec: string
  readonly publicKey: string
  readonly password: string | null
  readonly localStorage: Readonly<Record<string, string | null>>
}
interface Nip49Sample {
  readonly password: string
  readonly secretHex: string
  readonly ncryptsec: string
}
const samples = readVectors('pubpay') as readonly PubPaySample[]
const [deviceSample, passwordSample] = (['device', 'password'] as const).map((mode) => {
  const found = samples.find((sample) => sample.mode === mode)
  if (found === undefined) throw new Error('no sample')
  return found
}) as [PubPaySample, PubPaySample]

test(
  'every sample of PubPay is taken over and comes out as its nsec; its file is only read',
  SLOW,
  async () => {
    const migrateAndExport = async (sample: PubPaySample): Promise<void> => {
      const { named, write } = await emptyHome()
      const text = JSON.stringify(sample.localStorage)
      const file = await write('entries.json', text)
      const password = ['--password-file', await write('secret', sample.password ?? '')]
      const words = ['vault', 'migrate', '--from', 'pubpay', file, ...named]
      const migrated = await runProcessJson([...words, ...(sample.mode === 'password' ? password : [])])
      const { publicKey } = sample
      const answer = { status: 'migrated', name: 'nostr', publicKey, added: true, fileStillHoldsKey: true }
      expect(migrated).toMatchObject({ exit: 0, answer })
      expect(await readFile(file, 'utf8')).toBe(text)
      const exported = await run(['vault', 'export', '--as', 'nsec', '--reveal', 'nostr', ...named])
      expect(exported).toEqual({ exit: 0, stdout: `${sample.nsec}\n`, stderr: '' })
    }
    expect(samples).toHaveLength(6)
    await Promise.all(samples.map(migrateAndExport))
  },
)

test('every sample of NIP-49 comes in with its password and out as its key', SLOW, async () => {
  const vectors = readVectors('nip49') as readonly Nip49Sample[]
  expect(vectors).toHaveLength(4)
  const { named, write } = await emptyHome()
  await run(['vault', 'init', ...named])
  const importAndExport = async (sample: Nip49Sample, index: number): Promise<void> => {
    const name = `key-${String(index)}`
    const words = ['vault', 'import', '--as', 'ncryptsec', name, await write(name, `${sample.ncryptsec}\n`)]
    const secret = ['--password-file', await write(`${name}.password`, sample.password)]
    expect(await runJson([...words, ...secret, ...named])).toMatchObject({ exit: 0, answer: { added: true } })
    const hex = await runJson(['vault', 'export', '--as', 'hex', '--reveal', name, ...named])
    expect(hex.answer).toEqual({ status: 'exported', name, as: 'hex', key: sample.secretHex })
  }
  await Promise.all(vectors.map(importAndExport))
  const other = ['--password-file', await write('other', 'ÅΩẛ̣ another')]
  const sealed = await runProcessJson([
    'vault',
    'export',
    '--as',
    'ncryptsec',
    '--reveal',
    'key-0',
    ...other,
    ...named,
  ])
  expect(sealed.answer['key']).not.toBe(vectors[0]?.ncryptsec)
  const back = [
    'vault',
    'import',
    '--as',
    'ncryptsec',
    'key-0',
    await write('back', String(sealed.answer['key'])),
  ]
  const known = { exit: 0, answer: { status: 'imported', added: false } }
  expect(await runJson([...back, ...other, ...named])).toMatchObject(known)
  const wrong = { exit: 11, answer: { error: { code: 'ERR_PASSWORD_WRONG_OR_DAMAGED' } } }
  expect(await runJson([...back, '--password-stdin', ...named], { stdin: 'wrong' })).toMatchObject(wrong)
})

test(
  'what PubPay stored is refused with a code of its own for each fault, and no home is set up by it',
  SLOW,
  async () => {
    const { home, named, write } = await emptyHome()
    const wrong = ['--password-file', await write('wrong', 'not the password')]
    const { localStorage } = passwordSample
    const flipped = (text: string | null | undefined): string =>
      (text ?? '').replace('"encrypted":"', '"encrypted":"AAAA')
    const faults: [string, unknown, readonly string[], number, string][] = [
      ['password', localStorage, wrong, 11, 'ERR_PASSWORD_WRONG_OR_DAMAGED'],
      ['no password', localStorage, [], 9, 'ERR_PASSWORD_NEEDED'],
      [
        'altered',
        { ...deviceSample.localStorage, privateKey: flipped(deviceSample.localStorage['privateKey']) },
        [],
        2,
        'ERR_LEGACY_UNOPENABLE',
      ],
      ['no _dk', { ...deviceSample.localStorage, _dk: null }, [], 2, 'ERR_LEGACY_UNOPENABLE'],
      [
        'other public key',
        { ...deviceSample.localStorage, publicKey: passwordSample.publicKey },
        [],
        2,
        'ERR_LEGACY_MISMATCH',
      ],
      ['no private key', { publicKey: deviceSample.publicKey }, [], 2, 'ERR_LEGACY_EMPTY'],
      ['no envelope', { privateKey: '{"encrypted":1}' }, [], 2, 'ERR_LEGACY_MALFORMED'],
      ['a list', [], [], 2, 'ERR_LEGACY_MALFORMED'],
    ]
    await Promise.all(
      faults.map(async ([what, entries, password, exit, code]) => {
        const file = await write(`${what}.json`, JSON.stringify(entries))
        const refused = await runJson(['vault', 'migrate', '--from', 'pubpay', file, ...password, ...named])
        expect([what, refused.exit, refused.answer['error']]).toMatchObject([what, exit, { code }])
      }),
    )
    await expect(stat(home)).rejects.toThrow()
  },
)

test('taking over twice is harmless, and another key never takes the place of the first', SLOW, async () => {
  const { named, write } = await emptyHome()
  const migrate = async (sample: PubPaySample, password: string): Promise<unknown> => {
    const file = await write('entries.json', JSON.stringify(sample.localStorage))
    const words = ['vault', 'migrate', '--from', 'pubpay', file, ...named]
    return runJson([...words, '--password-stdin'], { stdin: password })
  }
  const password = passwordSample.password ?? ''
  expect(await migrate(passwordSample, password)).toMatchObject({ exit: 0, answer: { added: true } })
  expect(await migrate(passwordSample, password)).toMatchObject({ exit: 0, answer: { added: false } })
  const refused = { exit: 10, answer: { error: { code: 'ERR_IDENTITY_CONFLICT' } } }
  expect(await migrate(deviceSample, '')).toMatchObject(refused)
  const hex = await write('key.hex', deviceSample.secretKeyHex.toUpperCase())
  expect(await runJson(['vault', 'import', '--as', 'hex', 'nostr', hex, ...named])).toMatchObject(refused)
  expect(await runJson(['vault', 'import', '--as', 'raw', 'nostr', hex, ...named])).toMatchObject(refused)
  const exported = await runJson(['vault', 'export', '--as', 'hex', '--reveal', 'nostr', ...named])
  expect(exported.answer['key']).toBe(passwordSample.secretKeyHex)
})

test(
  'raw bytes come out as they went in: on stdout, in a file of mode 0600, and in base64 with --json',
  SLOW,
  async () => {
    const { folder, named, write } = await emptyHome()
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256)
    const file = await write('in', bytes)
    const imported = await runJson(['vault', 'import', '--as', 'raw', 'ml kem', file, ...named])
    expect(imported).toMatchObject({ exit: 0, answer: { name: 'ml kem', type: 'raw', added: true } })
    const words = ['vault', 'export', '--as', 'raw', '--reveal', 'ml kem', ...named]
    const inBase64 = await runProcessJson(words)
    expect(inBase64.answer['key']).toBe(Buffer.from(bytes).toString('base64'))
    const out = join(folder, 'out')
    expect((await runProcess([...words, '--out', out])).stdout).not.toBe('')
    expect(new Uint8Array(await readFile(out))).toEqual(bytes)
    expect((await stat(out)).mode & 0o777).toBe(0o600)
    expect(await runJson([...words, '--out', out])).toMatchObject({
      answer: { error: { code: 'ERR_FILE_EXISTS' } },
    })
    await writeFile(file, 'plain text')
    await run(['vault', 'import', '--as', 'raw', 'text', file, ...named])
    const printed = await runProcess(['vault', 'export', '--as', 'raw', '--reveal', 'text', ...named])
    expect(printed).toEqual({ exit: 0, stdout: 'plain text', stderr: '' })
  },
)

test(
  'files that hold no such key, names that are not for people, and keys in the place of names are refused',
  SLOW,
  async () => {
    const { home, named, write } = await emptyHome()
    const [empty, nsec, text] = await Promise.all([
      write('empty', ''),
      write('nsec', deviceSample.nsec),
      write('text', 'nsec1'.padEnd(63, 'q')),
    ])
    const password = ['--password-file', await write('secret', 'x')]
    const large = await write('large', 'x'.repeat(5000))
    const refused: [readonly string[], string][] = [
      [['--as', 'nsec', 'a', empty], 'ERR_KEY_FILE_INVALID'],
      [['--as', 'nsec', 'a', large], 'ERR_KEY_FILE_INVALID'],
      [['--as', 'nsec', 'a', text], 'ERR_INPUT_INVALID'],
      [['--as', 'hex', 'a', nsec], 'ERR_INPUT_INVALID'],
      [['--as', 'ncryptsec', 'a', nsec, ...password], 'ERR_INPUT_INVALID'],
      [['--as', 'nsec', 'a', nsec, ...password], 'ERR_USAGE'],
      [['--as', 'nsec', 'a', join(home, 'none')], 'ERR_FILE_UNREADABLE'],
      [['--as', 'pem', 'a', nsec], 'ERR_USAGE'],
      [['a', nsec], 'ERR_USAGE'],
      [['--as', 'raw', 'sync/session', nsec], 'ERR_USAGE'],
      [['--as', 'raw', 'cli/settings', nsec], 'ERR_USAGE'],
      [['--as', 'nsec', 'a', deviceSample.nsec], 'ERR_USAGE'],
      [['--as', 'hex', deviceSample.secretKeyHex, nsec], 'ERR_USAGE'],
    ]
    await Promise.all(
      refused.map(async ([words, code]) => {
        const { exit, answer, stderr } = await runJson(['vault', 'import', ...words, ...named])
        expect([words, exit, answer['error']]).toMatchObject([words, 2, { code }])
        expect(JSON.stringify(answer) + stderr).not.toMatch(
          new RegExp(`${deviceSample.nsec}|${deviceSample.secretKeyHex}`),
        )
      }),
    )
    await expect(stat(home)).rejects.toThrow()
  },
)

test('without --reveal nothing comes out, and no list, import or migration shows a key', SLOW, async () => {
  const { folder, named, write } = await emptyHome()
  const { nsec, secretKeyHex } = deviceSample
  const printed: string[] = []
  const keep = async (words: readonly string[]): Promise<number | null> => {
    const { exit, stdout, stderr } = await runProcess([...words, ...named])
    printed.push(stdout, stderr)
    return exit
  }
  await keep(['vault', 'import', '--as', 'nsec', 'one', await write('nsec', nsec)])
  await keep([
    'vault',
    'migrate',
    '--from',
    'pubpay',
    await write('p', JSON.stringify(deviceSample.localStorage)),
  ])
  for (const form of ['nsec', 'raw']) {
    const out = join(folder, `out-${form}`)
    expect(await keep(['vault', 'export', '--as', form, 'one', '--out', out])).toBe(8)
    await expect(stat(out)).rejects.toThrow()
  }
  expect(await keep(['vault', 'list'])).toBe(0)
  expect(printed.join('')).toContain('one    nostr-secret-key  version 1')
  const forms = [nsec, secretKeyHex, Buffer.from(secretKeyHex, 'hex').toString('base64').slice(0, 40)]
  for (const form of forms) expect(printed.join('')).not.toContain(form)
  const missing = await runJson(['vault', 'export', '--as', 'hex', '--reveal', 'two', ...named])
  expect(missing).toMatchObject({ exit: 2, answer: { error: { code: 'ERR_RECORD_MISSING' } } })
})
