/** The commands of docs/operations.md, "Backups, and the drill", as they stand there, on a real realm. */
import { spawn } from 'node:child_process'
import { chmod, mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { collect, ended, startCommand, temporaryFolder } from './testing/command.ts'
import { copyUsedDirectory, poll } from './testing/server.ts'

const PROGRAM = fileURLToPath(new URL('../bin/keyhaven.js', import.meta.url))

async function readBlocks(): Promise<readonly string[]> {
  const docs = await readFile(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
  const section = docs.split('\n## ').find((text) => text.startsWith('Backups, and the drill'))
  return [...(section ?? '').matchAll(/```sh\n([^`]*)```/g)].map(([, code]) => code ?? '')
}

test('a backup opens beside the server’s realm, and brings it back only after a decision', async () => {
  const folder = await temporaryFolder()
  await copyUsedDirectory(folder)
  await rename(join(folder, 'data'), join(folder, 'keyhaven-data'))
  await rename(join(folder, 'data-keys'), join(folder, 'keyhaven-data-keys'))
  await mkdir(join(folder, 'journal'))
  await mkdir(join(folder, 'bin'))
  await writeFile(
    join(folder, 'bin', 'keyhaven'),
    `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`,
  )
  await chmod(join(folder, 'bin', 'keyhaven'), 0o755)
  const settings = { KEYHAVEN_REALM_JOURNAL: join(folder, 'journal') }

  const shell = async (script: string): Promise<string> => {
    const PATH = `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`
    const child = spawn('sh', ['-e'], { cwd: folder, env: { ...process.env, ...settings, PATH } })
    const output = collect(child)
    child.stdin.end(script)
    expect([await ended(child), output().stderr]).toEqual([0, ''])
    return output().stdout
  }
  /** Runs a server until it is ready, or refused, and ends it in order. */
  const serveOnce = async (): Promise<string> => {
    const words = ['serve', '--port', '0', '--data', join(folder, 'keyhaven-data'), '--json']
    const child = startCommand(words, settings)
    const output = collect(child)
    const end = ended(child)
    const line = await poll(() => /^\{"status":.*$/m.exec(output().stdout)?.[0], end)
    child.kill('SIGTERM')
    await end
    return line
  }

  const [backup = '', drill = '', restore = ''] = await readBlocks()
  await serveOnce()
  await shell(backup)
  expect(await serveOnce()).toContain('"ready"')
  const seen = await shell(drill)
  expect(seen).toContain('0 records: 0 open')
  expect(seen).toContain('To do: the database is an older copy of itself.')
  expect(await shell(restore)).toContain('taken as it is')
  expect(await serveOnce()).toContain('"ready"')
  expect(await readdir(folder)).not.toContain('drill')
})
