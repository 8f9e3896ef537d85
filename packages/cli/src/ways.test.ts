import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, runJson, runProcess, runProcessJson } from './testing/command.ts'
import { emptyHome } from './testing/homes.ts'
import type { TestHome } from './testing/homes.ts'
import { startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

/** Many processes on a machine that may be busy. */
const SLOW = { timeout: 900_000 }
const PIN = '274951'
const KEYS = { identityKeys: { nostr: Buffer.alloc(32, 9).toString('base64') }, conversationKeys: {} }

let server: TestServer
let numbers = 0
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

function newPhone(): string {
  numbers += 1
  return `+1555010${String(8000 + numbers)}`
}

async function signedIn(phone: string): Promise<TestHome> {
  const home = await emptyHome()
  await server.signIn(home.home, phone)
  return home
}

/** A home with a backup of one key. */
async function backedUp(phone: string): Promise<TestHome> {
  const home = await signedIn(phone)
  await runJson(['keys', 'import', await home.write('keys.json', JSON.stringify(KEYS)), ...home.named])
  const made = await runJson(['backup', '--pin-file', await home.write('pin', PIN), ...home.named])
  if (made.exit !== 0) throw new Error(JSON.stringify(made.answer))
  return home
}

test('a recovery code is shown once, restores on another device, and is taken out of use', SLOW, async () => {
  const phone = newPhone()
  const first = await backedUp(phone)
  const shown = await runProcess(['recovery-code', 'create', ...first.named])
  const code = /[0-9A-Z]{4}(?:-[0-9A-Z]{4}){6}/.exec(shown.stdout)?.[0] ?? ''
  expect(shown.exit).toBe(0)
  const second = await signedIn(phone)
  const use = ['recovery-code', 'use', ...second.named]
  const file = await second.write('code', `${code.toLowerCase().replaceAll('-', ' ')}\n`)
  const mistyped = await runJson([...use, '--recovery-code-stdin'], { stdin: code.slice(0, -1) })
  expect(mistyped).toMatchObject({ exit: 2, answer: { error: { code: 'ERR_RECOVERY_CODE_INVALID' } } })
  expect(JSON.stringify(mistyped)).not.toContain(code.slice(0, 9))
  expect(await runProcessJson([...use, '--recovery-code-file', file])).toMatchObject({
    exit: 0,
    answer: { status: 'restored', identityKeys: 1 },
  })
  expect((await runJson(['keys', 'export', '--reveal', ...second.named])).answer).toEqual(KEYS)
  const listed = await runProcessJson(['ways', 'list', ...second.named])
  const ways = listed.answer['ways'] as readonly { readonly id: string; readonly type: string }[]
  expect(ways.map(({ type }) => type).sort()).toEqual(['device', 'device', 'pin', 'recovery-code'])
  const ofType = (type: string): string => ways.find((way) => way.type === type)?.id ?? ''
  const words = (id: string): string[] => ['ways', 'remove', id, '--yes', ...first.named]
  expect(await runJson(words(ofType('pin')))).toMatchObject({
    exit: 2,
    answer: { error: { code: 'ERR_USAGE' } },
  })
  expect(await runProcessJson(words(ofType('recovery-code').slice(0, 8)))).toMatchObject({
    exit: 0,
    answer: { status: 'removed' },
  })
  expect(await runJson(words('00000000'))).toMatchObject({
    exit: 2,
    answer: { error: { code: 'ERR_WAY_UNKNOWN' } },
  })
  const third = await signedIn(phone)
  const late = await runJson(['recovery-code', 'use', '--recovery-code-file', file, ...third.named])
  expect(late).toMatchObject({ exit: 8, answer: { status: 'unknown-way' } })
  expect(await runJson(['recovery-code', 'create', ...third.named])).toMatchObject({
    exit: 8,
    answer: { error: { code: 'ERR_AUTHORITY_REQUIRED' } },
  })
})

test('a recovery kit is a file and a page, and restores with its passphrase alone', SLOW, async () => {
  const phone = newPhone()
  const first = await backedUp(phone)
  const out = join(first.folder, 'kit.age')
  const page = join(first.folder, 'kit.pdf')
  const passphrase = ['--password-file', await first.write('words', 'lantern orbit walnut seventeen\n')]
  const create = ['kit', 'create', '--out', out, '--page', page, ...first.named]
  const weak = await runJson([...create, '--password-stdin'], { stdin: 'password1234' })
  expect(weak).toMatchObject({ exit: 8, answer: { error: { code: 'ERR_PASSWORD_REFUSED' } } })
  const made = await runProcessJson([...create, ...passphrase])
  expect(made).toMatchObject({ exit: 0, answer: { status: 'added', file: out, page } })
  expect((await stat(out)).mode & 0o777).toBe(0o600)
  expect((await readFile(page, 'latin1')).slice(0, 8)).toBe('%PDF-1.4')
  const second = await signedIn(phone)
  const open = ['kit', 'open', out, ...second.named]
  const wrong = await runJson([...open, '--password-stdin'], { stdin: 'lantern orbit walnut eighteen' })
  expect(wrong).toMatchObject({ exit: 11, answer: { error: { code: 'ERR_PASSWORD_WRONG_OR_DAMAGED' } } })
  expect(await runProcessJson([...open, ...passphrase])).toMatchObject({
    exit: 0,
    answer: { identityKeys: 1 },
  })
  expect((await runJson(['keys', 'export', '--reveal', ...second.named])).answer).toEqual(KEYS)
})

test(
  'a device at hand is let in by the code that the new one shows; digits need a person',
  SLOW,
  async () => {
    const phone = newPhone()
    const first = await backedUp(phone)
    const second = await signedIn(phone)
    const out = join(second.folder, 'code')
    const offering = runProcessJson(['link', 'offer', '--code-out', out, ...second.named])
    await expect.poll(() => readFile(out, 'utf8').catch(() => '')).toMatch(/^KEYHAVEN-LINK:1:.*\n$/)
    const accept = ['link', 'accept', '--link-code-file', out, ...first.named]
    // Nobody was asked, and the offer is as it was.
    expect(await runJson(accept)).toMatchObject({
      exit: 8,
      answer: { error: { code: 'ERR_CONFIRMATION_NEEDED' } },
    })
    const accepted = await runProcessJson([...accept, '--yes'])
    expect(accepted).toMatchObject({ exit: 0, answer: { status: 'linked' } })
    expect(await offering).toMatchObject({ exit: 0, answer: { status: 'restored', identityKeys: 1 } })
    expect((await runJson(['keys', 'export', '--reveal', ...second.named])).answer).toEqual(KEYS)
    expect(await runJson([...accept, '--yes'])).toMatchObject({
      exit: 2,
      answer: { error: { code: 'ERR_LINK_CODE_NEEDED' } },
    })
  },
)

test(
  'trusted contacts give cards, are asked and see who asks, can answer only after the wait, and are stopped',
  SLOW,
  async () => {
    const phone = newPhone()
    const first = await backedUp(phone)
    const contacts = [await signedIn(newPhone()), await signedIn(newPhone())] as const
    const cards = await Promise.all(
      contacts.map(async (home, index) => {
        const out = join(home.home, '..', `card-${String(index)}-${phone}`)
        const card = ['contacts', 'card', '--name', `Friend ${String(index)}`, '--out', out, ...home.named]
        const { exit, answer } = await runProcessJson(card)
        expect([exit, answer]).toMatchObject([0, { status: 'written', digits: DIGITS }])
        expect((await runJson(card)).answer).toMatchObject({ error: { code: 'ERR_FILE_EXISTS' } })
        return readFile(out, 'utf8')
      }),
    )
    const file = await first.write('cards', cards.join(''))
    const set = ['contacts', 'set', file, '--need', '2', '--name', 'Alice', ...first.named]
    expect(await runJson(set)).toMatchObject({
      exit: 8,
      answer: { error: { code: 'ERR_CONFIRMATION_NEEDED' } },
    })
    expect(await runProcessJson([...set, '--yes'])).toMatchObject({ exit: 0, answer: { status: 'set' } })
    const second = await signedIn(phone)
    expect((await run(['contacts', 'restore', ...second.named])).stderr).toContain('has not asked yet')
    const asked = await runProcessJson(['contacts', 'ask', ...second.named])
    expect(asked).toMatchObject({
      exit: 0,
      answer: { status: 'asked', digits: DIGITS, threshold: 2, contacts: 2 },
    })
    expect((await runProcessJson(['contacts', 'restore', ...second.named])).exit).toBe(12)
    const [friend] = contacts
    const seen = await runProcess(['contacts', 'asked', ...friend.named])
    expect(seen.stdout).toMatch(/[0-9a-f]{8} {2}Alice {2}on .* can be answered from \d{4}-/)
    const id = /[0-9a-f]{8}/.exec(seen.stdout)?.[0] ?? ''
    const digits = String(asked.answer['digits'])
    const answered = await runProcessJson(['contacts', 'answer', id, '--digits', digits, ...friend.named])
    expect(answered).toMatchObject({ exit: 12, answer: { status: 'waiting' } })
    expect((await runProcess(['contacts', 'list', ...first.named])).stdout).toMatch(
      /Friend 0\n.*Friend 1\nAsked of them:/,
    )
    expect(await runProcessJson(['contacts', 'stop', ...first.named])).toMatchObject({
      answer: { status: 'stopped', count: 1 },
    })
    expect((await runJson(['contacts', 'answer', id, ...friend.named])).exit).toBe(2)
    expect((await runJson(['contacts', 'restore', ...second.named])).answer).toEqual({ status: 'stopped' })
    expect((await runProcessJson(['contacts', 'remove', '--yes', ...first.named])).answer).toMatchObject({
      status: 'removed',
    })
    expect((await runJson(['contacts', 'ask', ...second.named])).exit).toBe(8)
  },
)

const DIGITS: unknown = expect.stringMatching(/^\d{5}( \d{5}){5}$/)
