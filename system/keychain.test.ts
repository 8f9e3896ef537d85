/** The system's keychain as a device protection: the built command over a real GNOME Keyring. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openSecretService } from './testing/secret-service.ts'
import type { SecretService } from './testing/secret-service.ts'

let folder = ''
let service: SecretService
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyhaven keychain '))
  service = openSecretService(folder)
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function homeNamed(name: string): {
  home: string
  named: readonly string[]
  file: (name: string, text: string) => string
} {
  const home = join(folder, name)
  const file = (title: string, text: string): string => {
    writeFileSync(join(folder, title), text)
    return join(folder, title)
  }
  return { home, named: ['--home', home], file }
}

const failed = (fault: string): object => ({
  exit: 7,
  answer: { error: { code: 'ERR_KEYCHAIN_FAILED', details: { fault } } },
})

it('keeps the key of a vault over a restart of the keyring, and no file has it', async () => {
  const { home, named, file } = homeNamed('kept')
  const key = file('key', 'CANARY-key-of-anna')
  const made = await service.session(
    'unlocked',
    ['vault', 'init', '--protection', 'keychain', '--label', 'laptop', ...named],
    ['vault', 'import', '--as', 'raw', 'a', key, ...named],
  )
  const factors = [{ type: 'device', provider: 'keychain' }]
  expect(made[0]).toMatchObject({ exit: 0, answer: { protections: [{ label: 'laptop', factors }] } })
  expect(made[1]).toMatchObject({ exit: 0 })
  expect(readdirSync(home)).toEqual(['vault'])
  expect(readdirSync(join(folder, 'home/.local/share/keyrings'))).toContain('login.keyring')
  const [later] = await service.session('unlocked', [
    'vault',
    'export',
    '--as',
    'raw',
    '--reveal',
    'a',
    ...named,
  ])
  expect(later).toMatchObject({ exit: 0, answer: { key: readFileSync(key).toString('base64') } })
})

it('that is locked or absent is a fault: nothing else opens the vault, and nothing is made in its place', async () => {
  const { home, named, file } = homeNamed('refused')
  const password = file('password', 'a password for tests')
  const init = ['vault', 'init', '--protection', 'keychain', ...named]
  for (const state of ['locked', 'absent'] as const) {
    expect(await service.session(state, init)).toMatchObject([failed('failed')])
    expect(existsSync(join(home, 'device.key'))).toBe(false)
    expect(existsSync(join(home, 'vault', 'device', 'head'))).toBe(false)
  }
  await service.session('unlocked', init, [
    ...['vault', 'protect', 'add', 'password', '--password-file', password],
    ...named,
  ])
  for (const state of ['locked', 'absent'] as const) {
    const list = ['vault', 'list', ...named]
    const outcomes = await service.session(state, list, [...list, '--vault-password-file', password])
    expect(outcomes).toMatchObject([failed('failed'), { exit: 0 }])
  }
})

it('that lost its entry is told from one that refuses, and a removed protection leaves no entry', async () => {
  const { home, named, file } = homeNamed('lost')
  const password = file('password', 'a password for tests')
  const added = await service.session(
    'unlocked',
    ['vault', 'init', '--protection', 'password', '--password-file', password, ...named],
    ['vault', 'protect', 'add', 'keychain', '--vault-password-file', password, ...named],
    ['vault', 'list', ...named],
  )
  expect(added.map(({ exit }) => exit)).toEqual([0, 0, 0])
  const head = join(home, 'vault', 'device', 'head')
  const before = readFileSync(head)
  const removed = await service.session('unlocked', ['vault', 'protect', 'remove', 'keychain', ...named])
  expect(removed).toMatchObject([{ exit: 0, answer: { status: 'removed', left: 1 } }])
  expect(await service.session('unlocked', ['vault', 'list', ...named])).toMatchObject([{ exit: 9 }])
  // An old copy of the vault's folder still names the entry, and it is gone.
  const copy = homeNamed('copy')
  rmSync(copy.home, { recursive: true, force: true })
  await service.session('unlocked', [
    ...['vault', 'init', '--protection', 'password', '--password-file', password],
    ...copy.named,
  ])
  writeFileSync(join(copy.home, 'vault', 'device', 'head'), before)
  expect(await service.session('unlocked', ['vault', 'list', ...copy.named])).toMatchObject([
    failed('no-entry'),
  ])
})

it('gives its entry up when the vault is destroyed, and one that refuses does not keep the vault', async () => {
  const { home, named } = homeNamed('destroyed')
  const destroy = ['vault', 'destroy', '--yes', ...named]
  await service.session('unlocked', ['vault', 'init', '--protection', 'keychain', ...named])
  expect(await service.session('absent', destroy)).toMatchObject([failed('failed')])
  expect(readdirSync(join(home, 'vault', 'device'))).toEqual([expect.stringMatching(/^k\d-[0-9a-f]{32}$/)])
  // What is left says which entry has to go, and goes with it.
  expect(await service.session('unlocked', destroy, destroy)).toMatchObject([
    { exit: 0 },
    { answer: { error: { code: 'ERR_VAULT_MISSING' } } },
  ])
  expect(readdirSync(home)).toEqual([])
})
