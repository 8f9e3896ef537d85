/** `keyhaven serve`: the server, in the foreground until Ctrl-C or SIGTERM. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'

export const serve: Command = {
  name: 'serve',
  group: 'server',
  summary: 'Run a server with a realm of its own',
  details: [
    'Starts a private PostgreSQL in the data directory, unless DATABASE_URL names another. Keys that must not lie beside the data are made in "<data>-keys/".',
    'On a loopback address, sign-in codes are printed here instead of being sent to phones: on stdout, with --json on stderr.',
    'Prints one line when it is ready. On a terminal only faults are logged; elsewhere starting and stopping too, as JSON on stderr. Ctrl-C or SIGTERM stops it and everything that it started.',
  ],
  options: {
    host: { value: 'HOST', summary: 'the address to listen on', default: '127.0.0.1' },
    port: { value: 'PORT', summary: 'the port to listen on; 0 takes a free one', default: '8787' },
    data: { value: 'DIR', summary: 'the data directory', default: './keyhaven-data' },
    'realm-only': { summary: 'be a realm for other servers’ users and nothing else' },
  },
  stopsItself: true,
  run: runServe,
}

async function runServe(invocation: Invocation): Promise<Answer> {
  const { createLog, parseSettings, startServer } = await import('@keyhaven/server')
  const { signal, json } = invocation
  const options = {
    host: invocation.option('host'),
    port: invocation.option('port'),
    data: invocation.option('data'),
    realmOnly: invocation.flag('realm-only'),
  }
  const settings = parseSettings({ options, env: invocation.environment })
  invocation.progress.show('Starting …')
  const server = await startServer(settings, {
    signal,
    ...(json && { printCode: (line) => process.stderr.write(line) }),
    ...(process.stderr.isTTY && { log: { ...createLog(), info: () => undefined } }),
  })
  try {
    const { origin, port, realmId } = server
    invocation.announce({
      json: { status: 'ready', origin, port, realmId },
      text: `Keyhaven is ready at ${origin}, realm ${realmId}`,
    })
    await stopAsked(signal)
  } finally {
    invocation.progress.show('Stopping …')
    await server.close()
    invocation.progress.clear()
  }
  return { exit: EXIT.ok, json: {}, text: '' }
}

/** Waits for Ctrl-C or a signal, or, when another program started this one with a channel, for that program's end. */
async function stopAsked(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve()
    })
    if (process.connected) process.once('disconnect', resolve)
  })
  if (process.connected) process.disconnect()
}
