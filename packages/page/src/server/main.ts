/** `npm start`: a server on this machine, with its page. Ends with Ctrl-C or SIGTERM, and PostgreSQL with it. */
import { parseArgs } from 'node:util'
import { isKeyhavenError } from 'keyhaven'
import { createLog, parseSettings, startServer } from '@keyhaven/server'
import { openInbox } from './inbox.ts'
import { addMessengerRoutes } from './messenger/routes.ts'
import { createSite } from './site.ts'

const USAGE = `Usage: npm start -- [--port PORT] [--data DIR]

  --port PORT  the port to listen on; 0 takes a free one (default: 8788)
  --data DIR   the data directory (default: ./keyhaven-data)
`

process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (options === undefined) return print(USAGE, 2)
  if (options.help) return print(USAGE, 0)
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      stop.abort()
    })
  try {
    return await serve(options, stop.signal)
  } catch (fault) {
    if (!isKeyhavenError(fault)) throw fault
    if (fault.code === 'ERR_ABORTED') return 130
    return print(`${fault.message}${describe(fault.details)} [${fault.code}]\n`, 1)
  }
}

async function serve(
  options: { readonly port: string; readonly data: string },
  signal: AbortSignal,
): Promise<number> {
  // Passkeys want the name, not the number.
  const settings = parseSettings({ options: { host: 'localhost', ...options }, env: process.env })
  const inbox = settings.codeSender === 'console' ? openInbox() : undefined
  const server = await startServer(settings, {
    signal,
    log: { ...createLog(), info: () => undefined },
    routes: addMessengerRoutes,
    site: ({ realmId }) => createSite({ realmId, ...(inbox && { inbox }) }),
    ...(inbox && { codeSender: inbox.send }),
  })
  process.stdout.write(`Keyhaven is ready: http://localhost:${String(server.port)}\n`)
  if (!signal.aborted) {
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve()
      })
    })
  }
  await server.close()
  return 0
}

function readOptions(): { readonly port: string; readonly data: string; readonly help: boolean } | undefined {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '8788' },
        data: { type: 'string', default: './keyhaven-data' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return values
  } catch {
    return undefined
  }
}

/** The details of these errors are fixed words and names of settings. */
function describe(details: unknown): string {
  const { setting, expected, problem } = (details ?? {}) as Readonly<Record<string, string | undefined>>
  if (setting !== undefined) return ` ${setting}: ${expected ?? ''}.`
  return problem === undefined ? '' : ` ${problem}`
}

function print(text: string, exit: number): number {
  process[exit === 0 ? 'stdout' : 'stderr'].write(text)
  return exit
}
