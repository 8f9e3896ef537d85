/**
 * The server's HTTP app. So far: health alone.
 */
import type { BlockList } from 'node:net'
import { Hono } from 'hono'
import type { CodeSender } from './auth/code-sender.ts'
import type { ServerKeys } from './data/keys.ts'
import type { Database } from './db/database.ts'
import type { Log } from './log/log.ts'
import type { TenantKeys } from './settings/tenants.ts'

/** What the app works with. */
export interface AppInput {
  readonly database: Database
  /** Public origin of the server. */
  readonly origin: string
  readonly keys: ServerKeys
  readonly realmId: Uint8Array
  readonly tenants: TenantKeys
  readonly trustedProxies: BlockList
  readonly codeSender: CodeSender
  readonly log: Log
}

export function createApp(input: AppInput): Hono {
  const app = new Hono()
  app.get('/healthz', (context) => context.json({ status: 'ok' }))
  app.get('/readyz', async (context) => {
    if (await input.database.ready()) return context.json({ status: 'ready' })
    return context.json({ error: { code: 'ERR_DATABASE_UNAVAILABLE', message: 'The database is not available.' } }, 503)
  })
  return app
}
