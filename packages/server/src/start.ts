/**
 * Starts a whole server and ends it: data directory, PostgreSQL, schema, logins, keys, HTTP, in this order, and back in
 * the opposite one. A start that fails half-way undoes what it did, so nothing is left running or held.
 */
import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { KeyhavenError } from 'keyhaven'
import { toHex } from 'keyhaven/crypto'
import { createApp } from './app.ts'
import type { AddRoutes, Site } from './app.ts'
import { eraseOldOrigins } from './access-log/sweeper.ts'
import type { CodeSender } from './auth/code-sender.ts'
import { createConsoleCodeSender } from './auth/code-sender.ts'
import { loadServerKeys, loadWebhookSecret } from './data/keys.ts'
import { loadRealmId } from './data/realm-id.ts'
import { openDatabase } from './db/database.ts'
import type { Database } from './db/database.ts'
import { openInstallation } from './db/installation.ts'
import type { Log } from './log/log.ts'
import { createLog } from './log/log.ts'
import { listenForScrapes } from './metrics/listener.ts'
import type { Metrics } from './metrics/metrics.ts'
import { createMetrics } from './metrics/metrics.ts'
import type { BinarySource } from './postgres/binaries.ts'
import type { Undo } from './prepare-database.ts'
import { prepareDatabase, runAll, throwIfAborted } from './prepare-database.ts'
import { eraseOldAudit } from './realm/audit/audit.ts'
import { createCurvePool } from './realm/curve-pool.ts'
import type { RealmJournal } from './realm/journal/journal.ts'
import { NO_JOURNAL, requireNoJournal, startJournal } from './realm/journal/journal.ts'
import { openJournalStore } from './realm/journal/open.ts'
import { openSealKeys } from './realm/seal-keys/open.ts'
import { startSealing } from './realm/sealing.ts'
import type { RealmSeals } from './realm/seals.ts'
import { openSeals } from './realm/seals.ts'
import { startRealmSweeper } from './realm/sweeper.ts'
import type { Fetch } from './server.ts'
import { listen } from './server.ts'
import { formatOrigin, isLoopbackHost } from './settings/origin.ts'
import type { ServerSettings } from './settings/settings.ts'
import { createWebhookCodeSender } from './webhook/code-sender.ts'
import { startWebhookSender } from './webhook/notices.ts'
import type { Webhook } from './webhook/post.ts'
import { sweepDue } from './sweep-due.ts'
import { startSweeping } from './sweeping.ts'

/** Replaceable parts; none is a setting. */
export interface ServerHooks {
  /** Delivers sign-in codes; without one they are printed, which only a server on a loopback address does. */
  readonly codeSender?: CodeSender
  /** Where the console sender prints a line; stdout unless given. */
  readonly printCode?: (line: string) => void
  readonly log?: Log
  /** An app's own page, served beside the routes; it is made once the server knows what clients have to know of it. */
  readonly site?: (server: { readonly realmId: string }) => Site
  /** An app's own routes beside those of docs/protocol.md, behind the device's session. */
  readonly routes?: AddRoutes
  /** Ends a start that is under way; what it did is undone. */
  readonly signal?: AbortSignal
  readonly binarySources?: readonly BinarySource[]
  /** True for tests over a PostgreSQL that does not sync, which a server else refuses. */
  readonly mayLoseCommits?: boolean
}

export interface RunningServer {
  /** The public origin, or the listening address as one. */
  readonly origin: string
  /** The listening port. */
  readonly port: number
  /** Where metrics are read, if they are. */
  readonly metricsPort: number | undefined
  /** 32 hex digits. */
  readonly realmId: string
  /** Finishes requests, stops PostgreSQL, gives the data directory back. May be called again. */
  close(): Promise<void>
}

/**
 * Starts a server. `ERR_SETTING_INVALID`, `ERR_DATA_IN_USE` and `ERR_START_REFUSED` say what to change,
 * `ERR_DATABASE_UNAVAILABLE` that a database of the operator's own does not answer.
 */
export async function startServer(settings: ServerSettings, hooks: ServerHooks = {}): Promise<RunningServer> {
  const webhook = loadWebhook(settings)
  const codeSender = hooks.codeSender ?? chooseCodeSender(settings, { webhook, print: hooks.printCode })
  const log = hooks.log ?? createLog()
  const undo: Undo[] = []
  try {
    const running = await startParts({ settings, hooks, codeSender, webhook, log, undo })
    return { ...running, close: once(() => closeParts(undo, log)) }
  } catch (error) {
    await runAll(undo)
    throw error
  }
}

interface StartInput {
  readonly settings: ServerSettings
  readonly hooks: ServerHooks
  readonly codeSender: CodeSender
  readonly webhook: Webhook | undefined
  readonly log: Log
  /** What has to be undone so far, oldest first. */
  readonly undo: Undo[]
}

async function startParts(input: StartInput): Promise<Omit<RunningServer, 'close'>> {
  const { settings, hooks, log, undo } = input
  const began = performance.now()
  const database = await openOwnDatabase(input)
  const installation = openInstallation(database)
  const realmId = await loadRealmId(installation, settings.realmId)
  const keys = settings.realmOnly ? undefined : await loadServerKeys({ ...settings, installation })
  const seals = await openSeals({ database, realmId, source: await openSealKeys(settings) })
  throwIfAborted(hooks.signal)
  const journal = await openJournal(input, { database, realmId })
  const curve = createCurvePool()
  undo.push(() => curve.close())
  const { metrics, metricsPort } = await openMetrics(input, { curve, database })
  let fetch: Fetch = () => new Response(null, { status: 503 })
  const listener = await listen({ ...settings, fetch: (request, bindings) => fetch(request, bindings) })
  undo.push(() => listener.close())
  startWork(input, { database, seals })
  const origin = settings.publicOrigin ?? formatOrigin(settings.host, listener.port)
  const drain = createDrain(settings.drainMs)
  undo.push(drain.finish)
  const app = createApp({
    stopping: drain.isStopping,
    database,
    origin,
    keys,
    realmId,
    tenants: settings.tenants,
    seals,
    realmLimits: settings.realmLimits,
    curve,
    journal,
    trustedProxies: settings.trustedProxies,
    codeSender: input.codeSender,
    issuers: settings.issuers,
    notify: input.webhook !== undefined,
    log,
    metrics,
    ...(hooks.routes && { routes: hooks.routes }),
    ...(hooks.site && { site: hooks.site({ realmId: toHex(realmId) }) }),
  })
  fetch = app.fetch
  log.info({
    event: 'started',
    origin,
    realmId: toHex(realmId),
    postgres: settings.database === undefined ? 'private' : 'external',
    milliseconds: Math.round(performance.now() - began),
  })
  return { origin, port: listener.port, metricsPort, realmId: toHex(realmId) }
}

/** Nothing is counted where nobody asks for it. */
async function openMetrics(
  { settings, undo }: StartInput,
  parts: Parameters<typeof createMetrics>[0],
): Promise<{ readonly metrics: Metrics | undefined; readonly metricsPort: number | undefined }> {
  if (settings.metrics === undefined) return { metrics: undefined, metricsPort: undefined }
  const metrics = createMetrics(parts)
  const listener = await listenForScrapes(settings.metrics, metrics)
  undo.push(() => listener.close())
  return { metrics, metricsPort: listener.port }
}

async function openOwnDatabase({ settings, hooks, undo }: StartInput): Promise<Database> {
  makeDataDirectory(settings.dataDirectory)
  const database = openDatabase(await prepareDatabase({ settings, undo, ...hooks }))
  undo.push(() => database.close())
  await database.check()
  if (hooks.mayLoseCommits !== true) await database.requireDurable()
  throwIfAborted(hooks.signal)
  return database
}

/** A server that stops says so first, and answers for a while what still comes to it. */
function createDrain(drainMs: number): { readonly isStopping: () => boolean; readonly finish: Undo } {
  let stopping = false
  return {
    isStopping: () => stopping,
    finish: async () => {
      stopping = true
      if (drainMs > 0) await sleep(drainMs)
    },
  }
}

async function openJournal(
  { settings, log, undo }: StartInput,
  { database, realmId }: { readonly database: Database; readonly realmId: Uint8Array },
): Promise<RealmJournal> {
  if (settings.journal === undefined) await requireNoJournal(database)
  if (settings.journal === undefined || settings.journal.kind === 'off') return NO_JOURNAL
  const store = openJournalStore(settings.journal)
  try {
    const journal = await startJournal({ database, realmId, store, log })
    undo.push(() => journal.close())
    return journal
  } catch (fault) {
    await store.close()
    throw fault
  }
}

/** What is done beside the requests. */
function startWork(
  { settings, webhook, log, undo }: StartInput,
  { database, seals }: { readonly database: Database; readonly seals: RealmSeals },
): void {
  undo.push(startRealmSweeper(database))
  const auditTerms = (): { days: number; now: Date } => ({ days: settings.auditDays, now: new Date() })
  undo.push(startSweeping(() => eraseOldAudit(database, auditTerms()), log))
  undo.push(startSealing({ database, seals, log, terms: settings.epochs }))
  if (!settings.realmOnly) {
    for (const what of ['sessions', 'contactRequests', 'links'] as const) {
      undo.push(startSweeping(() => sweepDue(database, what), log))
    }
    const days = settings.addressDays
    undo.push(startSweeping(() => eraseOldOrigins(database, { days, now: new Date() }), log))
  }
  if (webhook !== undefined) undo.push(startWebhookSender({ database, webhook, log }))
}

/** PostgreSQL's own account has to pass through the directory; what is in it is closed by itself. */
function makeDataDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  } catch {
    throw new KeyhavenError('ERR_SETTING_INVALID', {
      setting: '--data',
      expected: 'a directory that this user can make or use',
    })
  }
}

function loadWebhook({ webhook }: ServerSettings): Webhook | undefined {
  return webhook && { url: webhook.url, secret: loadWebhookSecret(webhook.secretFile) }
}

function chooseCodeSender(
  { host, codeSender, realmOnly }: ServerSettings,
  parts: { readonly webhook: Webhook | undefined; readonly print: ServerHooks['printCode'] },
): CodeSender {
  const { webhook, print } = parts
  if (codeSender === 'webhook' && webhook !== undefined) return createWebhookCodeSender(webhook)
  if (realmOnly) return createConsoleCodeSender(print)
  if (isLoopbackHost(host)) return createConsoleCodeSender(print)
  throw new KeyhavenError('ERR_SETTING_INVALID', {
    setting: '--host',
    expected:
      'a loopback address such as 127.0.0.1, because sign-in codes are printed on the console; or KEYHAVEN_CODE_SENDER=webhook',
  })
}

async function closeParts(undo: Undo[], log: Log): Promise<void> {
  log.info({ event: 'stopping' })
  await runAll(undo)
  log.info({ event: 'stopped' })
}

function once(run: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= run())
}
