/**
 * Which errors of the driver mean "the database is not there, or cannot do it now", told by SQLSTATE and by the
 * system's codes. Everything else is a fault of ours and is not dressed up as an outage.
 */
import { KeyhavenError } from 'keyhaven'

/** SQLSTATE classes and codes (PostgreSQL, appendix A) after which the same request may succeed later. */
const TRANSIENT = [
  /^08/, // connection exception
  /^53/, // insufficient resources: too many connections, disk full, out of memory
  /^57P0[1-5]$/, // shut down, crashed, starting up, database dropped, idle session ended
  /^57014$/, // statement timeout
  /^55P03$/, // lock timeout
  /^40(001|P01)$/, // serialization failure, deadlock
  /^25P0[34]$/, // idle-in-transaction and transaction timeouts
  /^25006$/, // a standby that has not been promoted yet
]

const SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EACCES',
])

/** The driver reports a connection that broke under a query without any code. */
const DRIVER_MESSAGES = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed',
  'timeout exceeded when trying to connect',
  'Query read timeout',
]

/** True when the database was not reachable or could not do the work now; the connection is best thrown away. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code !== undefined && (SYSTEM_CODES.has(code) || TRANSIENT.some((shape) => shape.test(code))))
    return true
  return DRIVER_MESSAGES.some((message) => error.message.startsWith(message))
}

/** The error to throw on: `ERR_DATABASE_UNAVAILABLE` for an outage, else the error itself. */
export function translateFault(error: unknown): unknown {
  return isUnavailable(error) ? new KeyhavenError('ERR_DATABASE_UNAVAILABLE', undefined) : error
}
