import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { collect, ended, run, startCommand, temporaryFolder } from './testing/command.ts'
import { listProcesses } from './testing/processes.ts'
import { startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startServer()
  return () => server.stop()
})

const PIN = '73919285'

/** The command lines of all processes, and where Linux shows them, their environments. */
function everythingInPs(): string {
  const lines = listProcesses().map(({ words }) => words)
  const environments = existsSync('/proc') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []
  return [...lines, ...environments.map(readEnvironment)].join('\n')
}

function readEnvironment(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}

test('while backup and restore run, no command line and no environment holds PIN or code, and no output does afterwards', async () => {
  const folder = await temporaryFolder()
  const [home, file, pinFile] = [join(folder, 'home'), join(folder, 'keys.json'), join(folder, 'pin')]
  const earlier = server.codeCount()
  await server.signIn(home, '+12025550130')
  const code = await server.code(earlier)
  await writeFile(file, '{"identityKeys":{"a":"c2VjcmV0LWtleS1ieXRlcw=="}}')
  await writeFile(pinFile, PIN)
  await run(['keys', 'import', file, '--home', home])
  for (const words of [['backup'], ['restore']]) {
    const child = startCommand([...words, '--home', home, '--pin-file', pinFile])
    const output = collect(child)
    const state = { over: false }
    const end = ended(child).then((exit) => {
      state.over = true
      return exit
    })
    const seen: string[] = []
    do {
      seen.push(everythingInPs())
      await new Promise((resolve) => setTimeout(resolve, 50))
    } while (!state.over)
    expect(await end).toBe(0)
    expect(seen.join('\n')).toContain(pinFile)
    expect(seen.join('\n')).not.toContain(PIN)
    expect(seen.join('\n')).not.toMatch(new RegExp(`(?<!\\d)${code}(?!\\d)`))
    const printed = output()
    expect(printed.stdout + printed.stderr).not.toMatch(new RegExp(`${PIN}|c2VjcmV0|secret-key`))
  }
  const printed = server.output()
  expect(printed.stdout + printed.stderr).not.toContain(PIN)
})
