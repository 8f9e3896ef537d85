/**
 * The server's log: one JSON line per event on stderr. What may be in a line is this file's list of fields and nothing
 * else: no phone number, token, code, address, or text that a request brought.
 */
import { pino } from 'pino'
import type { DestinationStream } from 'pino'

/** What is written of a line; whatever else an object has stays out, also where the compiler was not asked. */
const FIELDS = [
  'event',
  'origin',
  'realmId',
  'postgres',
  'milliseconds',
  'method',
  'route',
  'status',
  'code',
  'fault',
  'keyId',
  'count',
] as const satisfies readonly (keyof LogFields)[]

/** Everything that a line may say. */
export interface LogFields {
  readonly event:
    | 'started'
    | 'stopping'
    | 'stopped'
    | 'request_failed'
    | 'database_unavailable'
    | 'code_not_sent'
    | 'sweep_failed'
    | 'webhook_failed'
    | 'realm_epoch_began'
    | 'realm_epoch_emptied'
    | 'realm_key_destroyed'
    | 'realm_records_damaged'
    | 'realm_journal_unavailable'
    | 'realm_journal_lost'
    | 'realm_journal_current'
    | 'realm_database_restored'
  readonly origin?: string
  readonly realmId?: string
  readonly postgres?: 'private' | 'external'
  readonly milliseconds?: number
  readonly method?: string
  /** The route's pattern, never the path. */
  readonly route?: string
  readonly status?: number
  readonly code?: string
  readonly fault?: Fault
  /** The id of a realm's seal key. */
  readonly keyId?: string
  readonly count?: number
}

/** An unforeseen error without its message, which may repeat input. */
export interface Fault {
  readonly name: string
  /** SQLSTATE or a system code. */
  readonly code: string | undefined
  /** Where it was thrown: stack frames without the message. */
  readonly frames: readonly string[]
}

export interface Log {
  info(fields: LogFields): void
  error(fields: LogFields): void
}

/** Writes to stderr at once, unless another destination is given. */
export function createLog(destination: DestinationStream = pino.destination({ fd: 2, sync: true })): Log {
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  return {
    info: (fields) => {
      logger.info(allowed(fields))
    },
    error: (fields) => {
      logger.error(allowed(fields))
    },
  }
}

function allowed(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(FIELDS.map((name) => [name, fields[name]]))
}

const FRAMES = 12

/** What may be logged of an unforeseen error. */
export function describeFault(error: unknown): Fault {
  if (!(error instanceof Error)) return { name: typeof error, code: undefined, frames: [] }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const lines = (error.stack ?? '').split('\n').map((line) => line.trim())
  return {
    name: error.name,
    code,
    frames: lines.filter((line) => /^at .*:\d+\)?$/.test(line)).slice(0, FRAMES),
  }
}
