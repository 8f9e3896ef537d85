import { readFile, stat } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { run, runJson, runProcess } from './testing/command.ts'
import { emptyHome, readVectors } from './testing/homes.ts'

/** Many processes on a machine that may be busy. */
const SLOW = { timeout: 900_000 }

interface Pair {
  readonly publicKey: string
  readonly privateKey: string
}
interface ExportSample {
  readonly type: 'private-key-export'
  readonly password: string
  readonly exportJson: string
  readonly keys1024: Pair
  readonly keys768: Pair
}
interface RowSample {
  readonly type: 'backup-package-7ddec2e'
  readonly phone: string
  readonly pin: string
  readonly identity: { readonly publicKeyB64: string; readonly privateKeyB64: string }
  readonly conversationKeysB64: Readonly<Record<string, string>>
  readonly encryptedIdentityKeys: { readonly dataB64: string }
  readonly encryptedConversationKeys: { readonly dataB64: string }
}
const samples = readVectors('qryptchat') as readonly (ExportSample | RowSample)[]
const exportSamples = samples.filter((sample) => sample.type === 'private-key-export')
const rowSamples = samples.filter((sample) => sample.type === 'backup-package-7ddec2e')
const [row] = rowSamples as [RowSample]
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64')
const identity = bytesOf(row.encryptedIdentityKeys.dataB64)
const conversation = bytesOf(row.encryptedConversationKeys.dataB64)
const rowKeys = {
  identityKeys: { publicKey: row.identity.publicKeyB64, privateKey: row.identity.privateKeyB64 },
  conversationKeys: row.conversationKeysB64,
}

function writeRow(spell: (bytes: Buffer) => unknown, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    phone_number: row.phone,
    encrypted_identity_keys: spell(identity),
    encrypted_master_key: spell(conversation),
    iterations: 100_000,
    ...more,
  })
}

const inHex = (bytes: Buffer): string => `\\x${bytes.toString('hex')}`
const asObject = (bytes: Buffer): unknown => Object.fromEntries(bytes.entries())

test('every export of the samples comes in with its password, and out with --reveal', SLOW, async () => {
  expect(exportSamples).toHaveLength(4)
  const importAndReveal = async (sample: ExportSample): Promise<void> => {
    const { named, write } = await emptyHome()
    const file = await write('export.json', sample.exportJson)
    const words = ['import', 'qryptchat', file, ...named]
    const secret = ['--password-file', await write('secret', sample.password)]
    const revealed = await runJson([...words, ...secret, '--reveal'])
    const { keys1024, keys768 } = sample
    const keys = {
      identityKeys: {
        'keys1024.publicKey': keys1024.publicKey,
        'keys1024.privateKey': keys1024.privateKey,
        'keys768.publicKey': keys768.publicKey,
        'keys768.privateKey': keys768.privateKey,
      },
      conversationKeys: {},
    }
    expect(revealed).toEqual({ exit: 0, answer: keys, stderr: '' })
    expect(await readFile(file, 'utf8')).toBe(sample.exportJson)
    const exported = await runJson(['keys', 'export', '--reveal', ...named])
    expect(exported.answer).toEqual(keys)
  }
  await Promise.all(exportSamples.map(importAndReveal))
})

test(
  'a row comes in with phone number and PIN, in each of its spellings; a second time it is known',
  SLOW,
  async () => {
    expect(rowSamples).toHaveLength(1)
    const spellings: readonly ((bytes: Buffer) => unknown)[] = [
      inHex,
      (bytes) => bytes.toString('base64'),
      asObject,
      (bytes) => inHex(Buffer.from(JSON.stringify(asObject(bytes)))),
    ]
    const importAndReveal = async (spell: (bytes: Buffer) => unknown): Promise<void> => {
      const { named, write } = await emptyHome()
      const file = await write('row.json', writeRow(spell))
      const pin = ['--pin-file', await write('pin', `${row.pin}\n`)]
      const words = ['import', 'qryptchat', file, '--phone', row.phone, ...pin, ...named]
      const once = spell === inHex ? runProcess : run
      const revealed = await once([...words, '--reveal', '--json'])
      expect(revealed).toEqual({ exit: 0, stdout: `${JSON.stringify(rowKeys)}\n`, stderr: '' })
      if (spell !== inHex) return
      const counts = { identityKeys: 2, conversationKeys: 2 }
      const added = { identityKeys: 0, conversationKeys: 0 }
      expect((await runJson(words)).answer).toEqual({ status: 'imported', ...counts, added })
    }
    await Promise.all(spellings.map(importAndReveal))
  },
)

test('faults have a code of their own, set up no home, and show no key', SLOW, async () => {
  const { home, named, write } = await emptyHome()
  const flipped = (bytes: Buffer, at: number): string => {
    const copy = Buffer.from(bytes)
    copy[at] = (copy[at] ?? 0) ^ 1
    return copy.toString('base64')
  }
  const pin = ['--pin-file', await write('pin', row.pin)]
  const wrong = ['--pin-file', await write('wrong', '87654321')]
  const [first] = exportSamples as [ExportSample]
  const fields = JSON.parse(first.exportJson) as Readonly<Record<string, unknown>>
  const faults: [string, string, readonly string[], number, string][] = [
    ['wrong PIN', writeRow(inHex), wrong, 11, 'ERR_PASSWORD_WRONG_OR_DAMAGED'],
    ['no PIN', writeRow(inHex), [], 9, 'ERR_PIN_NEEDED'],
    ['no password', first.exportJson, [], 9, 'ERR_PASSWORD_NEEDED'],
    ['another phone', writeRow(inHex), ['--phone', '+4915112345678', ...pin], 2, 'ERR_USAGE'],
    ['no phone', writeRow(inHex, { phone_number: null }), pin, 2, 'ERR_USAGE'],
    ['both secrets', writeRow(inHex), [...pin, '--password-file', 'x'], 2, 'ERR_USAGE'],
    ['wrong password', first.exportJson, wrong, 11, 'ERR_PASSWORD_WRONG_OR_DAMAGED'],
    [
      'tag of the identity',
      writeRow(inHex, { encrypted_identity_keys: flipped(identity, identity.length - 1) }),
      pin,
      2,
      'ERR_LEGACY_DAMAGED',
    ],
    [
      'first block of the identity',
      writeRow(inHex, { encrypted_identity_keys: flipped(identity, 0) }),
      pin,
      11,
      'ERR_PASSWORD_WRONG_OR_DAMAGED',
    ],
    ['hostile count', writeRow(inHex, { iterations: 2_000_000_000 }), pin, 2, 'ERR_LEGACY_MALFORMED'],
    ['no columns', '{"phone_number":"+1"}', pin, 2, 'ERR_LEGACY_MALFORMED'],
    ['version', JSON.stringify({ ...fields, version: '4.0' }), pin, 2, 'ERR_LEGACY_MALFORMED'],
    ['no JSON', 'x', pin, 2, 'ERR_LEGACY_MALFORMED'],
  ]
  await Promise.all(
    faults.map(async ([what, text, words, exit, code]) => {
      const file = await write(`${what}.json`, text)
      const refused = await runJson(['import', 'qryptchat', file, '--reveal', ...words, ...named])
      expect([what, refused.exit, refused.answer]).toMatchObject([what, exit, { error: { code } }])
    }),
  )
  await expect(stat(home)).rejects.toThrow()
})

test('what is whole of a damaged row comes in on demand, whichever half it is', SLOW, async () => {
  const spoil = (bytes: Buffer, at: number): string => {
    const copy = Buffer.from(bytes)
    copy.fill(0, at, at + 16)
    return inHex(copy)
  }
  const halves = [
    [{ encrypted_master_key: spoil(conversation, 32) }, { ...rowKeys, conversationKeys: {} }],
    [{ encrypted_identity_keys: spoil(identity, 0) }, { ...rowKeys, identityKeys: {} }],
  ] as const
  for (const [columns, keys] of halves) {
    const { named, write } = await emptyHome()
    const file = await write('row.json', writeRow(inHex, columns))
    const words = ['import', 'qryptchat', file, '--partial', '--reveal', ...named]
    const revealed = await runJson([...words, '--pin-file', await write('pin', row.pin)])
    expect(revealed).toEqual({ exit: 0, answer: keys, stderr: '' })
  }
})
