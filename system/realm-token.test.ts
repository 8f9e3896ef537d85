/** Seal keys in a PKCS#11 token: a real SoftHSM, and the package pkcs11js, compiled in a temporary folder. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { spawnServer } from '../packages/server/src/testing/server-process.ts'
import type { ServerProcess } from '../packages/server/src/testing/server-process.ts'
import { requirePrograms } from './testing/debian.ts'

const PKCS11JS = 'pkcs11js@2.1.7'
const MODULE = '/usr/lib/softhsm/libsofthsm2.so'
const DIST = new URL('../packages/server/dist/realm/seal-keys/', import.meta.url).href

let folder = ''
let env: Record<string, string> = {}
const servers: ServerProcess[] = []

beforeAll(() => {
  requirePrograms({ 'softhsm2-util': 'softhsm2' })
  folder = mkdtempSync(join(tmpdir(), 'keyhaven-token-'))
  chmodSync(folder, 0o711)
  mkdirSync(join(folder, 'tokens'))
  writeFileSync(join(folder, 'softhsm2.conf'), `directories.tokendir = ${join(folder, 'tokens')}\n`)
  writeFileSync(join(folder, 'pin'), '4711\n')
  writeFileSync(join(folder, 'wrong-pin'), '4712\n')
  execFileSync('npm', ['install', '--no-save', '--prefix', folder, PKCS11JS], { stdio: 'ignore' })
  execFileSync('npm', ['rebuild', '--prefix', folder, 'pkcs11js'], { stdio: 'ignore' })
  env = {
    SOFTHSM2_CONF: join(folder, 'softhsm2.conf'),
    NODE_PATH: join(folder, 'node_modules'),
    KEYHAVEN_REALM_SEAL_TOKEN: addressWith('pin'),
  }
  const words = ['--init-token', '--free', '--label', 'keyhaven', '--so-pin', '0815', '--pin', '4711']
  execFileSync('softhsm2-util', words, { env: { ...process.env, ...env }, stdio: 'ignore' })
})

afterAll(async () => {
  for (const server of servers) {
    server.kill('SIGTERM')
    await server.exited
  }
  rmSync(folder, { recursive: true, force: true })
})

function addressWith(pin: string): string {
  return `pkcs11:token=keyhaven?module-path=${MODULE}&pin-source=file:${join(folder, pin)}`
}

/** Runs a program with the token's source as `source`, and reads the one JSON value that it prints. */
function withToken(program: string): unknown {
  const text = `import { openTokenSealKeys } from '${DIST}token.js'
    import { parseTokenAddress } from '${DIST}token-address.js'
    import { deriveKeyId } from '${DIST}source.js'
    const source = await openTokenSealKeys(parseTokenAddress(process.env.KEYHAVEN_REALM_SEAL_TOKEN, 'X'))
    const ids = async () => (await source.read()).map((key) => Buffer.from(deriveKeyId(key)).toString('hex')).sort()
    ${program}`
  const words = ['--input-type=module', '--eval', text]
  const options = { env: { ...process.env, ...env }, encoding: 'utf8' } as const
  return JSON.parse(execFileSync(process.execPath, words, options))
}

async function start(change: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const server = await spawnServer({ data: join(folder, 'data'), env: { ...env, ...change } })
  servers.push(server)
  return server
}

it('makes keys, gives the same ones back to another process, and destroys them for good', () => {
  const made = withToken('await source.make(); await source.make(); console.log(JSON.stringify(await ids()))')
  expect(made).toHaveLength(2)
  expect(withToken('console.log(JSON.stringify(await ids()))')).toEqual(made)
  const [first, second] = made as string[]
  const left = withToken(
    `await source.destroy(Buffer.from('${first ?? ''}', 'hex')); console.log(JSON.stringify(await ids()))`,
  )
  expect(left).toEqual([second])
  const none = withToken(
    `await source.destroy(Buffer.from('${second ?? ''}', 'hex')); console.log(JSON.stringify(await ids()))`,
  )
  expect(none).toEqual([])
})

it('seals a server’s realm: no key of it is in a file, and the server starts again with the token alone', async () => {
  const first = await start()
  expect(readdirSync(join(folder, 'data-keys')).sort()).toEqual(['chain.key', 'phone.key', 'token.key'])
  first.kill('SIGTERM')
  await first.exited
  const second = await start()
  expect(second.realmId).toBe(first.realmId)
  second.kill('SIGTERM')
  await second.exited
  expect(withToken('console.log(JSON.stringify(await ids()))')).toHaveLength(1)
})

it.each([
  ['a wrong PIN', 'wrong-pin', undefined, 'did not accept the PIN'],
  ['no file for the PIN', 'nowhere', undefined, 'cannot be read'],
  ['a package that is not installed', 'pin', '/nowhere', 'pkcs11js'],
])('says what is in the way and uses nothing in its place: %s', async (_, pin, modules, words) => {
  const change = {
    KEYHAVEN_REALM_SEAL_TOKEN: addressWith(pin),
    ...(modules !== undefined && { NODE_PATH: modules }),
  }
  await expect(start(change)).rejects.toMatchObject({
    fault: { code: 'ERR_START_REFUSED', details: { problem: expect.stringContaining(words) as string } },
  })
})

it('whose keys are gone opens nothing: the server does not start and makes none', async () => {
  withToken(`for (const id of await ids()) await source.destroy(Buffer.from(id, 'hex')); console.log('[]')`)
  await expect(start()).rejects.toMatchObject({ fault: { code: 'ERR_START_REFUSED' } })
  expect(withToken('console.log(JSON.stringify(await ids()))')).toEqual([])
})
