/**
 * What the server holds of the signed-in person, in its own words: nothing of it is interpreted here.
 */
import { answerMalformed } from '../format/fields.ts'
import type { ExportedAccount, Requester } from './transport.ts'

const MOST_PAGES = 10_000

/** Reads all of it. `ERR_SERVER_UNAVAILABLE` when an answer is no JSON object. */
export async function exportAccount(
  session: Requester,
  signal: AbortSignal | undefined,
): Promise<ExportedAccount> {
  const read = async (path: string): Promise<Readonly<Record<string, unknown>>> =>
    parse((await session.request({ method: 'GET', path, signal })).bytes)
  return {
    ...(await read('/v1/account')),
    pointer: await read('/v1/pointer'),
    slots: await read('/v1/log/slots'),
    accessLog: await readAccessLog(read),
  }
}

async function readAccessLog(
  read: (path: string) => Promise<Readonly<Record<string, unknown>>>,
): Promise<readonly unknown[]> {
  const rows: unknown[] = []
  let before = ''
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await read(`/v1/access-log?limit=200${before}`)
    const { rows: some, next } = answer
    if (!Array.isArray(some)) throw answerMalformed()
    rows.push(...(some as readonly unknown[]))
    if (next === null || next === undefined) return rows
    if (typeof next !== 'string' && typeof next !== 'number') throw answerMalformed()
    before = `&before=${encodeURIComponent(String(next))}`
  }
  throw answerMalformed()
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const value = parseJson(bytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw answerMalformed()
  return value as Readonly<Record<string, unknown>>
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw answerMalformed()
  }
}
