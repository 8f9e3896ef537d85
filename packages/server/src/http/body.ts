/**
 * Bodies of requests: read once, within a limit and a time, and parsed once; what comes out is typed. So is what a query
 * or a path has.
 *
 * The limit counts the bytes that really arrive, so a body without a length (chunked) is cut off as well.
 */
import type { Readable } from 'node:stream'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { z } from 'zod'
import { parseUtf8 } from 'keyhaven/crypto'
import { Refusal } from './refusal.ts'
import { id16 } from './shapes.ts'

/** The most that a JSON body may have, in bytes. */
export const JSON_LIMIT: number = 64 * 1024

/** A context of this server's, of whichever routes. */
interface RequestContext {
  readonly req: Pick<Context['req'], 'header'>
  readonly env: Pick<HttpBindings, 'incoming'>
}

/** How long a body may take to arrive, in ms. */
const BODY_DEADLINE_MS = 30_000

/** The body as bytes; `ERR_CONTENT_TYPE`, `ERR_BODY_TOO_LARGE` or `ERR_BODY_TIMEOUT` otherwise. */
export async function readBytes(
  context: RequestContext,
  expected: {
    readonly contentType: string
    readonly limit: number
    /** True where clients that we did not write send none. */
    readonly typeMayBeMissing?: boolean
  },
): Promise<Uint8Array> {
  const isMissing = context.req.header('content-type') === undefined
  if (!isMissing || expected.typeMayBeMissing !== true) requireContentType(context, expected.contentType)
  const announced = Number(context.req.header('content-length') ?? 0)
  if (announced > expected.limit) throw tooLarge()
  return readStream(context.env.incoming, expected.limit)
}

/** The JSON body as `schema` reads it; anything else is `ERR_BODY_MALFORMED`. */
export async function readJson<Schema extends z.ZodType>(
  context: RequestContext,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const bytes = await readBytes(context, { contentType: 'application/json', limit: JSON_LIMIT })
  return parseWith(schema, parseJson(bytes))
}

/** The query parameters as `schema` reads them. */
export function readQuery<Schema extends z.ZodType>(context: Context, schema: Schema): z.infer<Schema> {
  const all = context.req.queries()
  if (Object.values(all).some((values) => values.length > 1)) throw new Refusal('ERR_BODY_MALFORMED')
  return parseWith(schema, context.req.query())
}

/** A part of the path, such as `:id`; an id of 16 bytes unless `shape` says otherwise. */
export function readParameter(context: Context, name: string, shape: z.ZodString = id16): string {
  return parseWith(shape, context.req.param(name))
}

/** `value` as `schema` reads it, or `ERR_BODY_MALFORMED`. */
export function parseWith<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new Refusal('ERR_BODY_MALFORMED')
  return parsed.data
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(parseUtf8(bytes)) as unknown
  } catch {
    throw new Refusal('ERR_BODY_MALFORMED')
  }
}

function requireContentType(context: RequestContext, expected: string): void {
  const [essence = '', ...parameters] = (context.req.header('content-type') ?? '').toLowerCase().split(';')
  const plain = parameters.every((parameter) => /^\s*(charset="?utf-8"?\s*)?$/.test(parameter))
  if (essence.trim() !== expected || !plain || context.req.header('content-encoding') !== undefined) {
    throw new Refusal('ERR_CONTENT_TYPE')
  }
}

/** From Node's own stream: a web stream around it costs more than the rest of a small request. */
function readStream(body: Readable, limit: number): Promise<Uint8Array> {
  return new Promise((done, fail) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const end = (): void => {
      clearTimeout(deadline)
      body.off('data', take).off('end', finish).off('error', lose).off('close', lose)
    }
    const refuse = (refusal: Refusal): void => {
      end()
      body.pause()
      fail(refusal)
    }
    const take = (chunk: Uint8Array): void => {
      length += chunk.length
      if (length > limit) refuse(tooLarge())
      else chunks.push(chunk)
    }
    const finish = (): void => {
      end()
      done(Buffer.concat(chunks, length))
    }
    // A client that hangs up in the middle of its body gets no answer; nothing was done for it.
    const lose = (): void => {
      refuse(new Refusal('ERR_BODY_MALFORMED', CLOSE))
    }
    const deadline = setTimeout(() => {
      refuse(new Refusal('ERR_BODY_TIMEOUT', CLOSE))
    }, BODY_DEADLINE_MS)
    if (body.destroyed) lose()
    else body.on('data', take).on('end', finish).on('error', lose).on('close', lose)
  })
}

/** What is left of the body is not read, so the connection cannot serve another request. */
const CLOSE = { headers: { Connection: 'close' } } as const

function tooLarge(): Refusal {
  return new Refusal('ERR_BODY_TOO_LARGE', CLOSE)
}
