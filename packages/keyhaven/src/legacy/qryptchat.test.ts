import { describe, expect, it } from 'vitest'
import { sealAead } from '../crypto/aead.ts'
import { parseHex, toHex } from '../crypto/text.ts'
import {
  deriveQryptChatKey,
  openQryptChatExport,
  parseQryptChatExport,
  parseQryptChatFile,
  parseQryptChatRow,
  rescueQryptChatRow,
} from './qryptchat.ts'
import { MALFORMED, exportSamples, inBase64, sample, vectors } from './testing/qryptchat-samples.ts'
import '../vault/testing/no-network.ts'

const identity = Buffer.from(sample.encryptedIdentityKeys.dataB64, 'base64')
const conversation = Buffer.from(sample.encryptedConversationKeys.dataB64, 'base64')

/** As JSON writes a Uint8Array. */
const asObject = (bytes: Uint8Array): Record<string, unknown> => Object.fromEntries(bytes.entries())
const indexed = (bytes: Uint8Array): string => JSON.stringify(asObject(bytes))

/** A row with these two columns, as PostgREST gives it unless told otherwise. */
function rowOf(columns: { readonly identity?: unknown; readonly conversation?: unknown }): string {
  return JSON.stringify({
    id: '5b2f',
    phone_number: sample.phone,
    encrypted_identity_keys: columns.identity,
    encrypted_master_key: columns.conversation,
    salt: `\\x${sample.storedRandomSaltHex}`,
    iterations: sample.iterations,
    key_version: 1,
  })
}

/** A column sealed under the sample's master key, as QryptChat did it. */
async function sealColumn(plaintext: string): Promise<string> {
  const key = parseHex(sample.masterKeyHex, 'key')
  const nonce = crypto.getRandomValues(new Uint8Array(12))
  const sealed = await sealAead(
    { key, nonce, associatedData: new Uint8Array(0) },
    Buffer.from(plaintext, 'utf8'),
  )
  return Buffer.from(sealed).toString('base64')
}

describe.each(exportSamples)('the export sample $label', ({ password, exportJson, keys1024, keys768 }) => {
  it('opens to its keys, and to nothing with another password or any part altered', async () => {
    const file = parseQryptChatExport(exportJson)
    const opened = await openQryptChatExport({ file, password })
    expect(opened.status === 'opened' && inBase64(opened.keys.identityKeys)).toEqual({
      'keys1024.publicKey': keys1024.publicKey,
      'keys1024.privateKey': keys1024.privateKey,
      'keys768.publicKey': keys768.publicKey,
      'keys768.privateKey': keys768.privateKey,
    })
    const rejected = { status: 'rejected' }
    expect(await openQryptChatExport({ file, password: `${password} ` })).toEqual(rejected)
    for (const at of [0, 5000, -1]) {
      const encryptedKeys = Uint8Array.from(file.encryptedKeys)
      const place = at < 0 ? encryptedKeys.length + at : at
      encryptedKeys[place] = (encryptedKeys[place] ?? 0) ^ 1
      expect(await openQryptChatExport({ file: { ...file, encryptedKeys }, password })).toEqual(rejected)
    }
  })

  it('is refused by the field that is damaged, before anything is derived', () => {
    const fields = JSON.parse(exportJson) as Readonly<Record<string, unknown>>
    const spoiled: readonly [string, unknown][] = [
      ...Object.keys(fields).flatMap((field): [string, unknown][] =>
        field === 'timestamp' || field === 'kdfIterations'
          ? []
          : [
              [field, undefined],
              [field, 7],
              [field, '*'],
              [field, 'AAAA'],
            ],
      ),
      ['kdfIterations', 0],
      ['kdfIterations', 999],
      ['kdfIterations', 1_000_001],
      ['kdfIterations', 2 ** 31],
      ['kdfIterations', '600000'],
      ['kdfIterations', 600_000.5],
      ['encryptedKeys', 'A'.repeat(1_600_000)],
    ]
    for (const [field, value] of spoiled) {
      const details = { details: { problem: field } }
      expect(() => parseQryptChatExport(JSON.stringify({ ...fields, [field]: value }))).toThrow(
        expect.objectContaining({ code: 'ERR_LEGACY_MALFORMED', ...details }),
      )
    }
    for (const text of ['', '{', '[]', 'null', '3', exportJson.slice(0, -1), ' '.repeat(3_000_000)]) {
      expect(() => parseQryptChatExport(text)).toThrow(MALFORMED)
    }
  })
})

describe('a row of encrypted_key_backups', () => {
  it('has the samples’ master key from phone number and PIN', async () => {
    const keys = vectors
      .filter((one) => one.type === 'master-key')
      .filter(({ saltKind }) => saltKind === 'phone')
    expect(keys).toHaveLength(1)
    for (const { phone, pin, iterations, masterKeyHex } of [...keys, sample]) {
      expect(toHex(await deriveQryptChatKey({ phone, pin, iterations }))).toBe(masterKeyHex)
    }
  })

  it('is rescued in each of the spellings that its columns have', async () => {
    const spellings: readonly ((bytes: Buffer) => unknown)[] = [
      (bytes) => `\\x${bytes.toString('hex')}`,
      (bytes) => bytes.toString('base64'),
      asObject,
      (bytes) => `\\x${Buffer.from(indexed(bytes)).toString('hex').toUpperCase()}`,
      (bytes) => Buffer.from(indexed(bytes)).toString('base64').replace(/.{76}/g, '$&\n'),
      indexed,
    ]
    for (const spell of spellings) {
      const text = rowOf({ identity: spell(identity) })
      const row = parseQryptChatRow(text)
      expect(row).toEqual({
        encryptedIdentityKeys: new Uint8Array(identity),
        encryptedConversationKeys: undefined,
        iterations: sample.iterations,
        phoneNumber: sample.phone,
      })
      const rescued = await rescueQryptChatRow({ row, pin: sample.pin })
      expect(rescued.status === 'rescued' && inBase64(rescued.keys.identityKeys)).toEqual({
        publicKey: sample.identity.publicKeyB64,
        privateKey: sample.identity.privateKeyB64,
      })
    }
  })

  it('gives its conversation keys, too, and says how far it is', async () => {
    const row = parseQryptChatRow(
      `[${rowOf({ identity: identity.toString('base64'), conversation: conversation.toString('base64') })}]`,
    )
    const steps: number[] = []
    const rescued = await rescueQryptChatRow({
      row,
      pin: sample.pin,
      onProgress: ({ done, total }) => steps.push(done / total),
    })
    expect(rescued.status === 'rescued' && inBase64(rescued.keys.conversationKeys)).toEqual(
      sample.conversationKeysB64,
    )
    expect(steps.length).toBeGreaterThan(100)
    expect(Math.max(...steps)).toBeLessThanOrEqual(1)
  })

  it('is rescued without conversations, and of old and new keys alone', async () => {
    const empty = await sealColumn('{"keys":{},"timestamp":1756200000005}')
    const row = parseQryptChatRow(rowOf({ identity: identity.toString('base64'), conversation: empty }))
    const rescued = await rescueQryptChatRow({ row, phone: sample.phone, pin: sample.pin })
    expect(rescued).toMatchObject({ status: 'rescued', keys: { conversationKeys: {} } })
    const alone = await rescueQryptChatRow({
      row: parseQryptChatRow(rowOf({ conversation: empty })),
      pin: sample.pin,
    })
    expect(alone).toEqual({ status: 'rescued', keys: { identityKeys: {}, conversationKeys: {} } })
  })

  it('tells damage from a wrong PIN, and a damaged first block from neither', async () => {
    const flipped = (bytes: Buffer, at: number): string => {
      const copy = Buffer.from(bytes)
      copy[at] = (copy[at] ?? 0) ^ 0x10
      return copy.toString('base64')
    }
    const rescue = (columns: Parameters<typeof rowOf>[0], pin = sample.pin): Promise<unknown> =>
      rescueQryptChatRow({ row: parseQryptChatRow(rowOf(columns)), pin })
    const rejected = { status: 'rejected' }
    expect(await rescue({ identity: identity.toString('base64') }, '12345679')).toEqual(rejected)
    expect(await rescue({ identity: flipped(identity, 3) })).toEqual(rejected)
    const keys = { identityKeys: {}, conversationKeys: {} }
    const damaged = { status: 'damaged', columns: ['identity'], keys }
    expect(await rescue({ identity: flipped(identity, 16) })).toEqual(damaged)
    expect(await rescue({ identity: flipped(identity, identity.length - 1) })).toEqual(damaged)
    const half = await rescue({
      identity: identity.toString('base64'),
      conversation: flipped(conversation, 40),
    })
    expect(half).toMatchObject({ status: 'damaged', columns: ['conversation'] })
    expect(half).toHaveProperty('keys.identityKeys.privateKey')
  })

  it('gives the conversation keys beside a damaged identity when it is asked to look on', async () => {
    const spoiled = Buffer.from(identity)
    spoiled.fill(0, 0, 16)
    const conversations = await sealColumn('{"keys":{},"timestamp":1756200000005}')
    const row = parseQryptChatRow(
      rowOf({ identity: spoiled.toString('base64'), conversation: conversations }),
    )
    const common = { row, pin: sample.pin }
    expect(await rescueQryptChatRow(common)).toEqual({ status: 'rejected' })
    expect(await rescueQryptChatRow({ ...common, evenIfRejected: true })).toMatchObject({
      status: 'damaged',
      columns: ['identity'],
    })
  })

  it('stops when it is told to', async () => {
    const row = parseQryptChatRow(rowOf({ conversation: conversation.toString('base64') }))
    const controller = new AbortController()
    const onProgress = ({ done }: { readonly done: number }): void => {
      if (done > 200_000) controller.abort()
    }
    const stopped = rescueQryptChatRow({ row, pin: 'another', signal: controller.signal, onProgress })
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  it('is refused by the column that is damaged, before anything is derived', async () => {
    const good = identity.toString('base64')
    const columns = [
      7,
      '',
      '*',
      'A',
      '\\x',
      '\\x0',
      '\\xzz',
      good.slice(0, 40),
      [1, 2],
      {},
      { 0: 1, 2: 1 },
      { ...asObject(new Uint8Array(40)), 7: 256 },
      { ...asObject(new Uint8Array(40)), 7: '1' },
      '{"0":1}',
      `\\x${Buffer.from('{"0":1,"3":4}').toString('hex')}`,
      `\\x${'00'.repeat(16 * 1024 * 1024 + 1)}`,
    ]
    for (const column of columns) {
      expect(() => parseQryptChatRow(rowOf({ identity: column }))).toThrow(MALFORMED)
      expect(() => parseQryptChatRow(rowOf({ identity: good, conversation: column }))).toThrow(MALFORMED)
    }
    const fields = JSON.parse(rowOf({ identity: good })) as Readonly<Record<string, unknown>>
    for (const iterations of [0, 1, 999, 1_000_001, 2 ** 40, '100000', -1, 1.5]) {
      expect(() => parseQryptChatRow(JSON.stringify({ ...fields, iterations }))).toThrow(MALFORMED)
    }
    for (const text of ['', '[]', '{}', '[{},{}]', 'null', '{"encrypted_identity_keys":null}']) {
      expect(() => parseQryptChatFile(text)).toThrow(MALFORMED)
    }
    const nameless = parseQryptChatRow(JSON.stringify({ ...fields, phone_number: null }))
    await expect(rescueQryptChatRow({ row: nameless, pin: sample.pin })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    })
  })

  it('whose sealed contents are none of QryptChat’s is refused, as is a pair that does not belong together', async () => {
    const rescue = async (plaintext: string): Promise<unknown> =>
      rescueQryptChatRow({
        row: parseQryptChatRow(rowOf({ identity: await sealColumn(plaintext) })),
        pin: sample.pin,
      })
    await expect(rescue('{"publicKey":"AAAA","privateKey":7}')).rejects.toEqual(MALFORMED)
    await expect(rescue('{"publicKey":"AAAA","privateKey":""}')).rejects.toEqual(MALFORMED)
    const [first, second] = exportSamples
    const { publicKey } = first.keys768
    const { privateKey } = second.keys768
    await expect(rescue(JSON.stringify({ publicKey, privateKey }))).rejects.toMatchObject({
      code: 'ERR_LEGACY_MISMATCH',
    })
  })
})
