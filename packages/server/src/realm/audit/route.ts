/**
 * `GET /realm/audit`: a tenant's operator reads his feed with a token of the scope `audit`, which his app signs as it signs its users'.
 */
import type { Context } from 'hono'
import { z } from 'zod'
import { readQuery } from '../../http/body.ts'
import { counterShape } from '../../http/shapes.ts'
import { createTraffic } from '../../http/traffic.ts'
import type { Database } from '../../db/database.ts'
import { readAudit } from './audit.ts'

const MOST_EVENTS = 1000

export const auditQuery: z.ZodObject<{
  after: z.ZodOptional<z.ZodString>
  limit: z.ZodOptional<z.ZodPipe<typeof counterShape, z.ZodInt>>
}> = z.object({
  after: z
    .string()
    // 13 digits of microseconds are a whole number in JavaScript.
    .regex(/^000[0-9a-f]{45}$/)
    .optional(),
  limit: counterShape.pipe(z.int().min(1).max(MOST_EVENTS)).optional(),
})

/** A reader polls; more than one at a time gains him nothing. */
const LIMITS = { most: 600, seconds: 600, atOnce: 2 }

/** Answers a page; `readTenant` says whose token a request has, and throws for one that is none. */
export function createAuditHandler(input: {
  readonly database: Pick<Database, 'withRealmRecord'>
  readonly now: () => Date
  readonly readTenant: (context: Context) => string
}): (context: Context) => Promise<Response> {
  const traffic = createTraffic(LIMITS)
  return async (context) => {
    const tenant = input.readTenant(context)
    const leave = traffic.enter(tenant, input.now())
    try {
      const { after, limit = 100 } = readQuery(context, auditQuery)
      return context.json(await readAudit(input.database, { tenant, after, limit }))
    } finally {
      leave()
    }
  }
}
