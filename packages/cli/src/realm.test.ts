import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { run, runJson, runProcessJson, temporaryFolder } from './testing/command.ts'
import { startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startServer()
  return () => server.stop()
})

test('accept-restore asks first, has nothing to decide where all is well, and works beside the server that runs', async () => {
  const folder = await temporaryFolder()
  const journal = join(folder, 'journal')
  await mkdir(journal)
  const words = ['realm', 'accept-restore', '--data', server.dataDirectory]
  const environment = { KEYHAVEN_REALM_JOURNAL: journal }
  const unasked = await runJson(words, { environment })
  expect(unasked).toMatchObject({ exit: 8, answer: { error: { code: 'ERR_CONFIRMATION_NEEDED' } } })
  const done = await runProcessJson([...words, '--yes'], { environment })
  expect(done).toMatchObject({ exit: 0, answer: { status: 'nothing-to-decide' } })
  const planted = join(journal, `${server.realmId}-9007199254740993-${'0'.repeat(32)}`)
  await writeFile(planted, '')
  const foreign = await runJson([...words, '--yes'], { environment })
  expect(foreign).toMatchObject({ exit: 10, answer: { status: 'foreign-mark' } })
  const { answer } = await runJson(['realm', 'status', '--data', server.dataDirectory], { environment })
  expect(answer).toMatchObject({ actions: ['remove-mark'] })
  await rm(planted)
  const without = await run([...words, '--yes'])
  expect(without).toMatchObject({
    exit: 2,
    stderr: expect.stringContaining('KEYHAVEN_REALM_JOURNAL') as string,
  })
  expect((await fetch(`${server.origin}/readyz`)).status).toBe(200)
})

test('status, verify and rotate work beside the server that runs, and what an export lacks is said before anything is done', async () => {
  const { dataDirectory, realmId } = server
  const named = ['--data', dataDirectory]
  expect(await runProcessJson(['realm', 'verify', ...named])).toMatchObject({
    exit: 0,
    answer: { status: 'whole' },
  })
  expect(await runProcessJson(['realm', 'rotate', ...named])).toMatchObject({
    exit: 0,
    answer: { status: 'rotated' },
  })
  const { answer } = await runProcessJson(['realm', 'status', ...named])
  expect(answer).toMatchObject({
    realmId,
    epochs: [{ state: 'emptied' }, { state: 'current', keyHere: true }],
    decisions: [{ decision: 'epoch-begun' }],
  })
  for (const [words, exit] of [
    [['--to', 'age1x', '--out', 'x'], 8],
    [['--to', 'age1x', '--out', 'x', '--yes'], 2],
  ] as const) {
    expect(await runJson(['realm', 'export', 'keyhaven', ...named, ...words])).toMatchObject({ exit })
  }
})

test('commands of the operator make no realm where there is none', async () => {
  const folder = await temporaryFolder()
  const words = ['realm', 'accept-restore', '--yes', '--data', join(folder, 'data')]
  expect(await runJson(words)).toMatchObject({ exit: 2 })
  expect(await readdir(folder)).toEqual([])
})
