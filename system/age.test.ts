/** A recovery kit beside other people's programs: `age` opens it, and the raster of its page holds it as a QR code. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeQR } from 'qr/decode.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sealKit } from '../packages/keyhaven/src/sync/format/kit-file.ts'
import { writeKitPage } from 'keyhaven/sync/kit-page'
import { requirePrograms } from './testing/debian.ts'

const PASSPHRASE = 'lantern orbit walnut seventeen'
const kit = {
  account: '5d2a9c0e-1f3b-4c6d-8e7f-0a1b2c3d4e5f',
  server: 'https://keys.example',
  seed: new Uint8Array(32).fill(7),
}

let folder = ''
let file = ''
beforeAll(async () => {
  requirePrograms({ age: 'age', expect: 'expect', pdftoppm: 'poppler-utils', pdfinfo: 'poppler-utils' })
  folder = mkdtempSync(join(tmpdir(), 'keyhaven kit '))
  file = await sealKit(kit, PASSPHRASE)
  writeFileSync(join(folder, 'kit.age'), file)
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Runs `age -d` on a terminal of its own, answers its prompt, and gives its exit code. */
function decrypt(passphrase: string): number | null {
  const script = `
    set timeout 120
    spawn -noecho age -d -o opened.json kit.age
    expect "passphrase"
    send -- "${passphrase}\r"
    expect eof
    exit [lindex [wait] 3]`
  writeFileSync(join(folder, 'script'), script, { mode: 0o600 })
  return spawnSync('expect', ['-f', 'script'], { cwd: folder }).status
}

it('opens with the plain age program, driven through its terminal, and only with the passphrase', () => {
  expect(decrypt('lantern orbit walnut eighteen')).not.toBe(0)
  expect(decrypt(PASSPHRASE)).toBe(0)
  const opened: unknown = JSON.parse(readFileSync(join(folder, 'opened.json'), 'utf8'))
  const seed = Buffer.from(kit.seed).toString('base64')
  expect(opened).toEqual({ ...kit, keyhavenRecoveryKit: 1, seed })
})

it('is one page, whose raster is a QR code of the file', () => {
  writeFileSync(join(folder, 'kit.pdf'), writeKitPage({ file, server: kit.server, made: new Date() }))
  const about = spawnSync('pdfinfo', ['kit.pdf'], { cwd: folder, encoding: 'utf8' }).stdout
  expect(about).toMatch(/^Pages: +1$/m)
  expect(about).toMatch(/^Page size: +595 x 842 pts \(A4\)$/m)
  spawnSync('pdftoppm', ['-r', '200', '-singlefile', 'kit.pdf', 'page'], { cwd: folder })
  expect(decodeQR(readPpm(readFileSync(join(folder, 'page.ppm'))))).toBe(file.trim())
})

/** A binary PPM as pixels of four bytes. */
function readPpm(bytes: Buffer): { width: number; height: number; data: Uint8ClampedArray } {
  const [head, width, height] = /^P6\s(\d+) (\d+)\s255\s/.exec(bytes.toString('latin1', 0, 64)) ?? []
  if (head === undefined) throw new Error('no PPM')
  const data = new Uint8ClampedArray(Number(width) * Number(height) * 4).fill(255)
  for (let at = head.length, to = 0; at + 2 < bytes.length; at += 3, to += 4) {
    data.set(bytes.subarray(at, at + 3), to)
  }
  return { width: Number(width), height: Number(height), data }
}
