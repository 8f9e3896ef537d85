/**
 * `/openapi.json`: one OpenAPI 3.1 document, made of the operations that were added to the app and of their schemas.
 */
import { z } from 'zod'
import { REFUSAL_CODES } from '../http/refusal.ts'
import type { Admission, DescribedRoute, Operation } from '../http/routes.ts'
import { BYTES } from '../http/routes.ts'
import { REALM_REFUSAL_CODES } from '../realm/refusal.ts'

type Json = Readonly<Record<string, unknown>>

/** The document of these routes; the same routes give the same bytes. */
export function createDocument(routes: readonly DescribedRoute[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const path = (paths[route.at.replaceAll(/:(\w+)/g, '{$1}')] ??= {})
    path[route.method.toLowerCase()] = describe(route)
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Keyhaven',
      version: '0.1.0',
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'Keys of an app’s users, sealed on their devices. What each route means is in docs/protocol.md.',
    },
    paths,
    components: { responses: { Refusal: REFUSAL }, securitySchemes: SCHEMES },
  }
}

function describe(route: DescribedRoute): Json {
  const { summary, admits, body, answers } = route
  const parameters = [
    ...parametersOf(route.path, 'path'),
    ...parametersOf(route.query?.shape, 'query'),
    ...parametersOf(route.headers, 'header'),
  ]
  const responses = Object.entries(answers).map(
    ([status, answer]) => [status, describeAnswer(answer)] as const,
  )
  return {
    summary,
    operationId: operationIdOf(route),
    security: admits === undefined ? [] : [{ [admits]: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: true, content: contentOf(body, 'input') } }),
    responses: { ...Object.fromEntries(responses), default: { $ref: '#/components/responses/Refusal' } },
  }
}

/** `putLogSegmentsById`. */
function operationIdOf({ method, at }: DescribedRoute): string {
  const words = at.split(/[^A-Za-z:]+/).filter((word) => word !== '' && word !== 'v')
  const names = words.map((word) => {
    const name = word.replace(':', '')
    return (word.startsWith(':') ? 'By' : '') + name.charAt(0).toUpperCase() + name.slice(1)
  })
  return method.toLowerCase() + names.join('')
}

function parametersOf(
  shapes: Readonly<Record<string, z.core.$ZodType>> | undefined,
  place: 'path' | 'query' | 'header',
): readonly Json[] {
  return Object.entries(shapes ?? {}).map(([name, shape]) => {
    const required = place === 'path' || !z.safeParse(shape, undefined).success
    return { name, in: place, required, schema: schemaOf(shape, 'input') }
  })
}

function describeAnswer(answer: Operation['answers'][number]): Json {
  if (answer === null) return { description: 'Done.' }
  return { description: 'The answer.', content: contentOf(answer, 'output') }
}

function contentOf(shape: z.core.$ZodType | typeof BYTES, io: 'input' | 'output'): Json {
  if (shape === BYTES) return { 'application/octet-stream': {} }
  return { 'application/json': { schema: schemaOf(shape, io) } }
}

function schemaOf(shape: z.core.$ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io })
  return schema
}

/** Every answer that is not the one asked for. */
const REFUSAL = {
  description: 'A refusal; the code says what to do.',
  content: contentOf(
    z.strictObject({
      error: z.strictObject({
        code: z.enum([...REFUSAL_CODES, ...REALM_REFUSAL_CODES]),
        message: z.string(),
        details: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
      }),
    }),
    'output',
  ),
}

const bearer = (description: string): Json => ({
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description,
})

const SCHEMES: Readonly<Record<Admission, Json>> = {
  session: bearer('The access token of a signed-in device.'),
  realmToken: bearer('A token of a tenant for one user’s record.'),
  auditToken: bearer('A token of a tenant with the scope audit.'),
}
