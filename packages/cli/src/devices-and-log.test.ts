import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { run, runJson, runProcess, runProcessJson, temporaryFolder } from './testing/command.ts'
import { startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startServer()
  return () => server.stop()
})

/** Many processes, one after another, on a machine that may be busy. */
const SLOW = { timeout: 600_000 }
const PIN = '48291357'

test('devices are listed, renamed and removed, and the log says so', SLOW, async () => {
  const folder = await temporaryFolder()
  const [homeA, homeB, given] = [join(folder, 'a'), join(folder, 'b'), join(folder, 'keys.json')]
  await writeFile(given, JSON.stringify({ conversationKeys: { one: 'AQID' } }))
  await server.signIn(homeA, '+12025550171')
  await run(['keys', 'import', given, '--home', homeA])
  expect((await run(['backup', '--home', homeA], { stdin: PIN })).exit).toBe(0)
  await server.signIn(homeB, '+12025550171')
  expect((await run(['restore', '--home', homeB], { stdin: PIN })).exit).toBe(0)

  const listed = await runProcessJson(['devices', 'list', '--home', homeA])
  expect(listed.exit).toBe(0)
  const devices = listed.answer['devices'] as { id: string; current: boolean; opensBackup: boolean }[]
  expect(devices.map(({ opensBackup }) => opensBackup)).toEqual([true, true])
  const other = devices.find(({ current }) => !current)?.id ?? ''
  expect(await runProcess(['devices', 'rename', other.slice(0, 8), 'Tablet', '--home', homeA])).toEqual({
    exit: 0,
    stdout: `The device ${other.slice(0, 8)} is Tablet now.\n`,
    stderr: '',
  })
  const unknown = await runJson(['devices', 'remove', 'nobody', '--yes', '--home', homeA])
  expect(unknown).toMatchObject({ exit: 2, answer: { error: { code: 'ERR_DEVICE_UNKNOWN' } } })
  const unasked = await runJson(['devices', 'remove', 'Tablet', '--home', homeA])
  expect(unasked).toMatchObject({ exit: 8, answer: { error: { code: 'ERR_CONFIRMATION_NEEDED' } } })
  const removed = await runProcessJson(['devices', 'remove', 'Tablet', '--yes', '--home', homeA])
  expect(removed).toMatchObject({ exit: 0, answer: { status: 'removed', rotated: true, id: other } })
  const shut = await runProcessJson(['backup', '--home', homeB])
  expect(shut).toMatchObject({ exit: 6, answer: { error: { code: 'ERR_DEVICE_REMOVED' } } })

  const log = await runProcess(['log', '--limit', '5', '--home', homeA])
  expect(log.exit).toBe(0)
  expect(log.stdout).toContain('device removed')
  const [, place] = /^Older rows: keyhaven log --before (\S+)$/m.exec(log.stdout) ?? []
  const older = await runJson(['log', '--limit', '200', '--before', place ?? '', '--home', homeA])
  const events = older.answer['events'] as { sequence: number; type: string }[]
  expect(events.at(-1)).toMatchObject({ sequence: 1, type: 'signed_in' })
  expect(events.map(({ type }) => type)).toContain('device_renamed')
  expect(older.answer['next']).toBeNull()
  for (const words of [
    ['--limit', '0'],
    ['--limit', 'x'],
    ['--before', 'x'],
  ])
    expect((await runJson(['log', ...words, '--home', homeA])).exit).toBe(2)
})
