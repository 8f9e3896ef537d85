import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { collect, ended, run, runProcessJson, startCommand, temporaryFolder } from './testing/command.ts'
import { poll, startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startServer()
  return () => server.stop()
})

test('with --json serve prints one line on stdout when it is ready, and codes on stderr', async () => {
  await server.signIn(join(await temporaryFolder(), 'home'), '+12025550150')
  const { stdout, stderr } = server.output()
  expect(stdout).toMatch(/^[^\n]+\n$/)
  expect(JSON.parse(stdout)).toEqual({
    status: 'ready',
    origin: server.origin,
    port: Number(new URL(server.origin).port),
    realmId: server.realmId,
  })
  expect(stderr).toMatch(/^Keyhaven sign-in code for \+1202…50: \d{6}$/m)
  const realm = await fetch(`${server.origin}/realm/`)
  expect(await realm.json()).toEqual({ realmID: server.realmId, keyhaven: 1 })
})

test('without --json serve says in one line where it listens, prints codes, and stops with its settings kept', async () => {
  const data = join(await temporaryFolder(), 'data')
  const ids: string[] = []
  for (const phone of ['+12025550151', '+12025550152']) {
    const child = startCommand(['serve', '--port', '0', '--data', data])
    const output = collect(child)
    const end = ended(child)
    const ready = /^Keyhaven is ready at (http:\/\/127\.0\.0\.1:\d+), realm ([0-9a-f]{32})$/m
    await poll(() => ready.exec(output().stdout)?.[0], end)
    const [, origin = '', realmId = ''] = ready.exec(output().stdout) ?? []
    ids.push(realmId)
    const body = JSON.stringify({ phone })
    await fetch(`${origin}/v1/auth/code`, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json' },
    })
    await poll(() => /^Keyhaven sign-in code for .*: \d{6}$/m.exec(output().stdout)?.[0], end)
    child.kill('SIGTERM')
    expect(await end).toBe(0)
  }
  expect(ids[1]).toBe(ids[0])
})

test('a data directory that is in use is refused with exit code 8, and the server that uses it goes on', async () => {
  const second = await runProcessJson(['serve', '--port', '0', '--data', server.dataDirectory])
  expect(second).toMatchObject({ exit: 8, answer: { error: { code: 'ERR_DATA_IN_USE' } } })
  expect((await fetch(`${server.origin}/readyz`)).status).toBe(200)
})

test('settings that are unknown or malformed stop the start with exit code 2 and their name, before anything is made', async () => {
  const folder = await temporaryFolder()
  const data = join(folder, 'data')
  const cases: [string[], NodeJS.ProcessEnv, string][] = [
    [[], { KEYHAVEN_PUBLIC_ORIGN: 'https://keys.example' }, 'KEYHAVEN_PUBLIC_ORIGN'],
    [[], { KEYHAVEN_PUBLIC_ORIGIN: 'http://keys.example' }, 'KEYHAVEN_PUBLIC_ORIGIN'],
    [[], { KEYHAVEN_REALM_ID: 'abc' }, 'KEYHAVEN_REALM_ID'],
    [[], { KEYHAVEN_TENANTS: '{"acme":' }, 'KEYHAVEN_TENANTS'],
    [[], { DATABASE_URL: 'postgres://postgres:hidden-password@localhost/x' }, 'DATABASE_URL'],
    [['--port', '99999'], {}, '--port'],
    [['--host', '0.0.0.0'], {}, 'KEYHAVEN_PUBLIC_ORIGIN'],
    [['--host', '0.0.0.0'], { KEYHAVEN_PUBLIC_ORIGIN: 'https://keys.example' }, '--host'],
  ]
  for (const [words, environment, setting] of cases) {
    const { exit, stderr } = await run(['serve', '--data', data, ...words], { environment })
    expect([exit, stderr]).toEqual([2, expect.stringContaining(setting)])
    expect(stderr).not.toContain('hidden-password')
  }
  expect(await readdir(folder)).toEqual([])
})

test('a port that is taken is refused with exit code 2, and PostgreSQL does not stay behind', async () => {
  const data = join(await temporaryFolder(), 'data')
  await mkdir(data)
  const { port } = new URL(server.origin)
  const taken = await runProcessJson(['serve', '--port', port, '--data', data])
  expect(taken).toMatchObject({ exit: 2, answer: { error: { details: { setting: '--port' } } } })
  expect(await readdir(join(data, 'postgres'))).not.toContain('postmaster.pid')
})
