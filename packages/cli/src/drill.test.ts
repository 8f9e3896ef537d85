/** The commands of docs/operations.md, "Backups, and the drill", as they stand there, on a real realm. */
import { mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { collect, ended, startCommand, temporaryFolder } from './testing/command.ts'
import { openShell, readBlocks } from './testing/documented.ts'
import { copyUsedDirectory, poll } from './testing/server.ts'

test('a backup opens beside the server’s realm, and brings it back only after a decision', async () => {
  const folder = await temporaryFolder()
  await copyUsedDirectory(folder)
  await rename(join(folder, 'data'), join(folder, 'keyhaven-data'))
  await rename(join(folder, 'data-keys'), join(folder, 'keyhaven-data-keys'))
  await mkdir(join(folder, 'journal'))
  const settings = { KEYHAVEN_REALM_JOURNAL: join(folder, 'journal') }

  const open = await openShell(folder)
  const shell = (script: string): Promise<string> => open(script, settings)
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

  const [backup = '', drill = '', restore = ''] = await readBlocks('Backups, and the drill')
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
