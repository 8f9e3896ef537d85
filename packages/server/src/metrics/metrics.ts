/**
 * What a running server counts, for Prometheus. Labels are names that this program or its operator gave: patterns of routes, statuses,
 * codes, types of events, tenants. Nothing of an account, a subject, a device or an address is in them, so there are only so many.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { RealmEvent } from 'keyhaven/recovery/realm'
import type { Database } from '../db/database.ts'
import type { CurvePool } from '../realm/curve-pool.ts'

/** One request that was answered. */
export interface AnsweredRequest {
  readonly method: string
  /** The route's pattern, never the path. */
  readonly route: string
  readonly status: number
  /** The refusal's code, if it was refused. */
  readonly code: string | undefined
  readonly seconds: number
}

export interface Metrics {
  readonly request: (answered: AnsweredRequest) => void
  /** What the realm did about a tenant's record; it is on disk. */
  readonly realmEvent: (event: RealmEvent, tenant: string) => void
  /** Everything in the text format of Prometheus. */
  readonly text: () => Promise<string>
  readonly contentType: string
}

/** Seconds; a sign-in waits for commits, a recovery for a few milliseconds of curve work. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counts from now on, in this process alone. */
export function createMetrics(parts: {
  readonly curve: Pick<CurvePool, 'load'>
  readonly database: Pick<Database, 'load'>
}): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  watchQueues(registry, parts)
  const request = countRequests(registry)
  const realmEvent = countRealmEvents(registry)
  return { request, realmEvent, text: () => registry.metrics(), contentType: registry.contentType }
}

function countRequests(registry: Registry): Metrics['request'] {
  const registers = [registry]
  const requests = new Counter({
    name: 'keyhaven_http_requests_total',
    help: 'Requests that were answered.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const refusals = new Counter({
    name: 'keyhaven_refusals_total',
    help: 'Requests that were answered with an error, by its code.',
    labelNames: ['code'],
    registers,
  })
  const latency = new Histogram({
    name: 'keyhaven_http_request_duration_seconds',
    help: 'From a request’s headers until its answer begins.',
    labelNames: ['method', 'route'],
    buckets: BUCKETS,
    registers,
  })
  return ({ method, route, status, code, seconds }) => {
    requests.inc({ method, route, status })
    latency.observe({ method, route }, seconds)
    if (code !== undefined) refusals.inc({ code })
  }
}

function countRealmEvents(registry: Registry): Metrics['realmEvent'] {
  const registers = [registry]
  const events = new Counter({
    name: 'keyhaven_realm_events_total',
    help: 'What the realm did; guess_used is an attempt that was counted.',
    labelNames: ['tenant', 'type', 'reason'],
    registers,
  })
  const locks = new Counter({
    name: 'keyhaven_realm_locks_total',
    help: 'Attempts that used up the last guess of a registration.',
    labelNames: ['tenant'],
    registers,
  })
  return (event, tenant) => {
    events.inc({ tenant, type: event.type, reason: 'reason' in event ? event.reason : '' })
    if (event.type === 'guess_used' && event.guessesRemaining === 0) locks.inc({ tenant })
  }
}

function watchQueues(registry: Registry, { curve, database }: Parameters<typeof createMetrics>[0]): void {
  const registers = [registry]
  new Gauge({
    name: 'keyhaven_curve_places_taken',
    help: 'Guesses whose evaluation is under way; at 256 further ones are refused.',
    registers,
    collect() {
      this.set(curve.load().inside)
    },
  })
  new Gauge({
    name: 'keyhaven_curve_queue_depth',
    help: 'Evaluations that wait for a thread.',
    registers,
    collect() {
      this.set(curve.load().waiting)
    },
  })
  new Gauge({
    name: 'keyhaven_database_connections',
    help: 'Connections to PostgreSQL, and requests that wait for one.',
    labelNames: ['login', 'state'],
    registers,
    collect() {
      for (const [login, { busy, idle, waiting }] of Object.entries(database.load())) {
        this.set({ login, state: 'busy' }, busy)
        this.set({ login, state: 'idle' }, idle)
        this.set({ login, state: 'waiting' }, waiting)
      }
    },
  })
}
