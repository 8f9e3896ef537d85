import { decodeQR } from 'qr/decode.js'
import { describe, expect, it } from 'vitest'
import { Decrypter, Encrypter, armor } from 'age-encryption'
import { randomBytes } from '../../crypto/index.ts'
import { openKit, sealKit } from './kit-file.ts'
import type { Kit } from './kit-file.ts'
import { writeKitPage } from './kit-page.ts'

const QUICK = 4
const PASSPHRASE = 'six words that nobody else has'
const kit: Kit = {
  account: '5d2a9c0e-1f3b-4c6d-8e7f-0a1b2c3d4e5f',
  server: 'https://keys.example',
  seed: randomBytes(32),
}
const MALFORMED: unknown = expect.objectContaining({ code: 'ERR_ENVELOPE_MALFORMED' })

async function sealText(text: string, workFactor = QUICK): Promise<string> {
  const encrypter = new Encrypter()
  encrypter.setPassphrase(PASSPHRASE)
  encrypter.setScryptWorkFactor(workFactor)
  return armor.encode(await encrypter.encrypt(text))
}

describe('a recovery kit', () => {
  it('opens with its passphrase, and with no other', async () => {
    const file = await sealKit(kit, PASSPHRASE, { workFactor: QUICK })
    expect(file).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/)
    expect(await openKit(`\n${file}\n`, PASSPHRASE)).toEqual(kit)
    expect(await openKit(file, `${PASSPHRASE} `)).toBeUndefined()
  })

  it('is what the library itself seals and opens', async () => {
    const decrypter = new Decrypter()
    decrypter.addPassphrase(PASSPHRASE)
    const text = await decrypter.decrypt(
      armor.decode(await sealKit(kit, PASSPHRASE, { workFactor: QUICK })),
      'text',
    )
    const { account, server } = kit
    expect(JSON.parse(text)).toMatchObject({ keyhavenRecoveryKit: 1, account, server })
    expect(await openKit(await sealText(text), PASSPHRASE)).toEqual(kit)
  })

  it('that was altered anywhere is rejected or malformed, never opened', async () => {
    const bytes = armor.decode(await sealKit(kit, PASSPHRASE, { workFactor: QUICK }))
    for (let at = 0; at < bytes.length; at += 7) {
      const altered = Uint8Array.from(bytes)
      altered[at] = (altered[at] ?? 0) ^ 1
      const opened = await openKit(armor.encode(altered), PASSPHRASE).catch((fault: unknown) => fault)
      expect(opened === undefined || (opened as { code?: string }).code === 'ERR_ENVELOPE_MALFORMED').toBe(
        true,
      )
    }
    expect(await openKit(armor.encode(bytes.slice(0, -3)), PASSPHRASE)).toBeUndefined()
  })

  it('that asks for more work, for other keys, or is no kit is refused by a code', async () => {
    const bytes = armor.decode(await sealKit(kit, PASSPHRASE, { workFactor: QUICK }))
    const text = new TextDecoder('latin1').decode(bytes)
    const hostile = text.replace(/(-> scrypt \S+ )4\n/, (_, before: string) => `${before}19\n`)
    const heavy = Uint8Array.from(hostile, (character) => character.charCodeAt(0))
    await expect(openKit(armor.encode(heavy), PASSPHRASE)).rejects.toEqual(MALFORMED)
    const other = new Encrypter()
    other.addRecipient('age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p')
    const toKey = armor.encode(await other.encrypt('x'))
    for (const file of ['', 'x', toKey, 'A'.repeat(10_000)])
      await expect(openKit(file, PASSPHRASE)).rejects.toEqual(MALFORMED)
    const good = { keyhavenRecoveryKit: 1, account: 'a', server: 's', seed: 'AAAA' }
    for (const inside of [
      '',
      '[]',
      'null',
      '{}',
      JSON.stringify(good),
      JSON.stringify({ ...good, account: 7 }),
    ])
      await expect(openKit(await sealText(inside), PASSPHRASE)).rejects.toEqual(MALFORMED)
    await expect(openKit(await sealText('{"keyhavenRecoveryKit":2}'), PASSPHRASE)).rejects.toMatchObject({
      code: 'ERR_CLIENT_TOO_OLD',
    })
  })

  it('has a page whose squares are a QR code of the file', async () => {
    const file = await sealKit(kit, PASSPHRASE, { workFactor: QUICK })
    const page = new TextDecoder('latin1').decode(
      writeKitPage({ file, server: 'https://keys.example/(é)', made: new Date(0) }),
    )
    expect(page).toContain('Made on 1970-01-01 for https://keys.example/\\(?\\).')
    const squares = [...page.matchAll(/^([\d.]+) ([\d.]+) ([\d.]+) \3 re f$/gm)].map((match) =>
      match.slice(1).map(Number),
    )
    const scale = 3
    const side = scale * 400
    const data = new Uint8ClampedArray(side * side * 4).fill(255)
    const lowest = Math.min(...squares.map(([, y]) => y ?? 0))
    const leftmost = Math.min(...squares.map(([x]) => x ?? 0))
    for (const [x = 0, y = 0, size = 0] of squares) {
      const [left, bottom, right, top] = [x, y, x + size, y + size].map((value, at) =>
        Math.round((value - (at % 2 === 0 ? leftmost : lowest) + 30) * scale),
      ) as [number, number, number, number]
      for (let row = bottom; row < top; row += 1)
        for (let column = left; column < right; column += 1) {
          const place = ((side - 1 - row) * side + column) * 4
          data.fill(0, place, place + 3)
        }
    }
    expect(decodeQR({ width: side, height: side, data })).toBe(file.trim())
    const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(page)?.[1])
    expect(page.slice(start, start + 4)).toBe('xref')
    for (const [index, line] of page.slice(start).split('\n').slice(3, 9).entries())
      expect(page.slice(Number(line.slice(0, 10)))).toMatch(new RegExp(`^${String(index + 1)} 0 obj`))
  })
})
