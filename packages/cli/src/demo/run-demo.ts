/**
 * The whole job on one machine: a server, a person's two devices, a second person, and then a search of everything that
 * the server kept and the wire carried.
 *
 * Every device and the server are processes of the real command. Everything is in one temporary folder that is removed
 * at the end, also after Ctrl-C and after a failure.
 */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countKeys } from '../device/key-file.ts'
import { createCapture, createCaptureProxy } from './capture-proxy.ts'
import { searchEverything, stopServer } from './final-search.ts'
import { startServerProcess } from './keyhaven-process.ts'
import type { ServerProcess } from './keyhaven-process.ts'
import { playFirstPerson, playSecondPerson } from './people.ts'
import type { SearchResult } from './search-places.ts'
import type { Stage } from './stage.ts'
import type { Steps } from './steps.ts'

/** What came of it. */
export interface DemoResult {
  readonly identical: boolean
  readonly identityKeys: number
  readonly conversationKeys: number
  readonly wrongPin: { readonly guessesRemaining: number }
  readonly search: SearchResult
}

/** Runs the demo; what does not hold is in the result, what does not work is thrown. */
export async function runDemo(input: {
  readonly steps: Steps
  readonly signal: AbortSignal
}): Promise<DemoResult> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-demo-'))
  const capture = createCapture()
  const proxy = await createCaptureProxy(capture)
  let server: ServerProcess | undefined
  try {
    const stage = { ...input, ...(await prepareFolders(folder)), folder, capture, origin: proxy.origin }
    server = await startServer(stage)
    proxy.forwardTo(server.origin)
    const first = await playFirstPerson(stage, server)
    const second = await playSecondPerson(stage, server)
    const marker = await stopServer(stage, server)
    const search = await searchEverything(stage, { marker, codes: server.codes, people: [first, second] })
    const { identityKeys, conversationKeys } = countKeys(first.person.keys)
    const identical = first.identical && second.identical
    return { identical, identityKeys, conversationKeys, wrongPin: first.wrongPin, search }
  } finally {
    await server?.stop()
    await proxy.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** The server's folder is apart; as root, PostgreSQL runs as another user and has to pass through to its files. */
async function prepareFolders(folder: string): Promise<Pick<Stage, 'dataDirectory' | 'logFile'>> {
  const serverFolder = join(folder, 'server')
  await mkdir(serverFolder)
  if (process.getuid?.() === 0) for (const path of [folder, serverFolder]) await chmod(path, 0o711)
  return { dataDirectory: join(serverFolder, 'data'), logFile: join(folder, 'server.log') }
}

function startServer({ steps, dataDirectory, logFile, origin, signal }: Stage): Promise<ServerProcess> {
  return steps.run({
    name: 'start',
    doing: 'Starting a server with a new PostgreSQL',
    work: () => startServerProcess({ dataDirectory, logFile, publicOrigin: origin, signal }),
    describe: () => 'A server starts, with a new PostgreSQL and a realm of its own',
  })
}
