/** The document of a server against what it answers: every exchange of a test is kept and compared. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, vi } from 'vitest'
import type { TestApp } from '../../testing/app.ts'

export interface Operation {
  readonly security: readonly object[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
}
type Content = Readonly<Record<string, { readonly schema?: object }>>

export interface Document extends Record<string, unknown> {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly responses: { readonly Refusal: { readonly content: Content } } }
}

/** One request of a run with its answer. */
export interface Exchange {
  readonly name: string
  readonly operation: Operation
  readonly request: string | undefined
  readonly status: number
  readonly type: string
  readonly answer: string
}

export interface Conformance {
  readonly document: Document
  /** What was asked of described routes; tests empty it. */
  readonly exchanges: Exchange[]
  readonly find: (pathname: string, method: string) => Pick<Exchange, 'name' | 'operation'> | undefined
  /** What is wrong with an answer by the document; nothing when it conforms. */
  readonly deviation: (exchange: Exchange) => unknown
  /** The exchanges whose answers deviate, with what is wrong. */
  readonly deviations: () => readonly (readonly [string, number, unknown])[]
  /** Requests with a JSON body that were taken, with what is wrong with each by the document. */
  readonly taken: () => readonly (readonly [string, unknown])[]
  /** Answers below some paths that the document tells and no exchange had. */
  readonly unseen: (below?: string) => readonly string[]
}

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, validateFormats: false })

/** Reads a server's document, and watches every `fetch` to it until the file is done. */
export async function watchConformance(server: TestApp): Promise<Conformance> {
  const document = (await server.send('/openapi.json')).body as Document
  const exchanges: Exchange[] = []
  const direct = fetch
  vi.stubGlobal('fetch', async (input: string, init: RequestInit = {}) => {
    // Without sockets: of a kept-alive one, a busy machine may learn too late that it was closed.
    const answer = await (input.startsWith(server.origin) ? server.fetch : direct)(input, init)
    const method = (init.method ?? 'GET').toLowerCase()
    const found = find(document, new URL(input).pathname, method)
    if (found !== undefined) exchanges.push(await keep(found, init, answer.clone()))
    return answer
  })
  afterAll(() => {
    vi.unstubAllGlobals()
  })
  return {
    document,
    exchanges,
    find: (pathname, method) => find(document, pathname, method),
    deviation: (exchange) => deviation(document, exchange),
    deviations: () =>
      exchanges
        .map((exchange) => [exchange.name, exchange.status, deviation(document, exchange)] as const)
        .filter(([, , fault]) => fault !== undefined),
    taken: () => exchanges.flatMap(takenBody),
    unseen: (below = '/') => {
      const seen = new Set(exchanges.map(({ name, status }) => `${name} ${String(status)}`))
      return declared(document, below).filter((answer) => !seen.has(answer))
    },
  }
}

async function keep(
  found: Pick<Exchange, 'name' | 'operation'>,
  { body }: RequestInit,
  answer: Response,
): Promise<Exchange> {
  return {
    ...found,
    request: typeof body === 'string' ? body : undefined,
    status: answer.status,
    type: answer.headers.get('content-type') ?? '',
    answer: await answer.text(),
  }
}

function find(
  { paths }: Document,
  pathname: string,
  method: string,
): Pick<Exchange, 'name' | 'operation'> | undefined {
  for (const [path, operations] of Object.entries(paths)) {
    const operation = operations[method]
    const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`)
    if (operation !== undefined && pattern.test(pathname)) return { name: `${method} ${path}`, operation }
  }
  return undefined
}

/** What is wrong with a JSON text by a schema; nothing when it conforms. */
function faultsOf(text: string, schema: object | undefined): unknown {
  if (schema === undefined) return undefined
  return ajv.validate(schema, JSON.parse(text)) ? undefined : ajv.errors
}

function deviation({ components }: Document, { operation, status, type, answer }: Exchange): unknown {
  const told = operation.responses[String(status)]
  if (told === undefined && status < 400) return `status ${String(status)} is not declared`
  const content = told === undefined ? components.responses.Refusal.content : told.content
  const [[expected, { schema }] = ['', { schema: undefined }]] = Object.entries(content ?? {})
  if (expected === '') return answer === '' ? undefined : 'a body that is not declared'
  if (type.split(';')[0] !== expected) return `content type ${type}`
  return schema === undefined ? undefined : faultsOf(answer, schema)
}

function takenBody({ name, operation, request, status }: Exchange): readonly (readonly [string, unknown])[] {
  if (status >= 300 || request === undefined) return []
  return [[name, faultsOf(request, operation.requestBody?.content['application/json']?.schema)]]
}

function declared({ paths }: Document, below: string): readonly string[] {
  return Object.entries(paths)
    .filter(([path]) => path.startsWith(below))
    .flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { responses }]) =>
        Object.keys(responses)
          .filter((status) => status !== 'default')
          .map((status) => `${method} ${path} ${status}`),
      ),
    )
}
