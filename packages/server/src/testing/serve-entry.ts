/**
 * A server as a process of its own, for tests that kill it: settings from the environment and `--name=value` options,
 * one JSON line on stdout when it is ready, an orderly end on SIGTERM and SIGINT. Started by server-process.ts.
 */
import { isKeyhavenError } from 'keyhaven'
import type { BinarySource } from '../postgres/binaries.ts'
import { embeddedBinaries, systemBinaries } from '../postgres/binaries.ts'
import { parseSettings } from '../settings/settings.ts'
import { startServer } from '../start.ts'

const SOURCES: Readonly<Record<string, BinarySource>> = { system: systemBinaries, embedded: embeddedBinaries }

async function serve(): Promise<void> {
  const words = process.argv.slice(2).map((word) => word.replace(/^--/, '').split('=', 2))
  const options = Object.fromEntries(words) as Readonly<Record<string, string | undefined>>
  const source = SOURCES[options['binaries'] ?? '']
  const settings = parseSettings({ options, env: process.env })
  const server = await startServer(settings, {
    mayLoseCommits: options['may-lose-commits'] === 'yes',
    ...(source !== undefined && { binarySources: [source] }),
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      void server.close().then(() => process.exit(0))
    })
  }
  const { origin, port, realmId } = server
  process.stdout.write(`${JSON.stringify({ origin, port, realmId })}\n`)
}

serve().catch((error: unknown) => {
  const fault = isKeyhavenError(error)
    ? { code: error.code, details: error.details }
    : { code: String(error) }
  process.stdout.write(`${JSON.stringify({ fault })}\n`)
  process.exit(1)
})
