/**
 * What the routes answer, for `/openapi.json`: every field, and none beside them. A test holds real answers against these.
 */
import { z } from 'zod'
import { generationShape, id16, id32, sealedRootShape, signatureShape } from '../http/shapes.ts'
import { AUDITED } from '../realm/audit/audit.ts'
import type { AuditPage } from '../realm/audit/audit.ts'
import { REMOVAL_KINDS } from '../removals/messages.ts'

const time = z.iso.datetime()
const count = z.int().min(0)
const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const phone = z.string().regex(/^\+\d{3,15}$/)
const etag = z.string().max(64)
const base64 = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)
const jwt = z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/)

export const healthAnswer: z.ZodType = z.strictObject({ status: z.literal('ok') })
export const readyAnswer: z.ZodType = z.strictObject({ status: z.literal('ready') })

export const codeAnswer: z.ZodType = z.strictObject({ requestId: id16, expiresInSeconds: count })
const tokens = {
  accessToken: jwt,
  accessTokenExpiresInSeconds: count,
  refreshToken: z.string().min(1).max(512),
}
export const signedInAnswer: z.ZodType = z.strictObject({ accountId: uuid, phone, ...tokens })
export const outsideAnswer: z.ZodType = z.strictObject({ accountId: uuid, ...tokens })
export const refreshedAnswer: z.ZodType = z.strictObject(tokens)
export const phoneAnswer: z.ZodType = z.strictObject({ phone })
export const realmTokensAnswer: z.ZodType = z.strictObject({ tokens: z.record(id16, jwt) })
export const tenantAnswer: z.ZodType = z.record(
  z.string(),
  z.record(
    z.string(),
    z.strictObject({ algorithm: z.literal('EdDSA'), encoding: z.literal('base64'), data: base64 }),
  ),
)

const head = z.strictObject({
  sequence: count,
  hash: id32.nullable(),
  signature: signatureShape.nullable(),
  key: id32,
})
const erasable = z.strictObject({
  deviceLabel: z.string().nullable(),
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
})
export const accessLogAnswer: z.ZodType = z.strictObject({
  head,
  rows: z.array(
    z.strictObject({
      sequence: z.int().min(1),
      hash: id32,
      previous: id32.nullable(),
      deviceId: id16.nullable(),
      type: z.string().regex(/^[a-z_]+$/),
      success: z.boolean(),
      code: z.string().nullable(),
      message: z.string(),
      createdAt: time,
      ...erasable.shape,
      salts: erasable,
      commitments: erasable,
    }),
  ),
  next: z.int().min(1).nullable(),
})

export const headsAnswer: z.ZodType = z.strictObject({
  heads: z.array(id32),
  segments: count,
  bytes: count,
  cursor: count,
  coveredCursor: count,
  tail: z.strictObject({ segments: count, bytes: count }),
})
export const slotsAnswer: z.ZodType = z.strictObject({
  generation: generationShape.nullable(),
  slots: z.record(id16, base64),
})

const realms = z.array(id16)
export const pointerAnswer: z.ZodType = z.strictObject({
  pointer: z
    .strictObject({
      registration: id16,
      generation: generationShape,
      realms,
      anchor: id32,
      serial: count,
      statement: signatureShape.nullable(),
      registrationAuthority: id32.nullable(),
    })
    .nullable(),
  etag: etag.nullable(),
  authority: id32.nullable(),
  pending: z.strictObject({ registration: id16, device: id16, startedAt: time }).nullable(),
  retired: z.array(
    z.strictObject({
      registration: id16,
      realms,
      generation: generationShape.nullable(),
      previousRoot: sealedRootShape.nullable(),
      authority: id32.nullable(),
    }),
  ),
  accessLog: head,
  removal: z
    .strictObject({
      kind: z.enum(REMOVAL_KINDS),
      device: id16,
      requestedAt: time,
      dueAt: time,
      due: z.boolean(),
    })
    .nullable(),
  removed: z
    .strictObject({
      kind: z.enum(REMOVAL_KINDS),
      generation: generationShape,
      etag,
      signature: signatureShape.nullable(),
      removedAt: time,
    })
    .nullable(),
})
export const announcedAnswer: z.ZodType = z.strictObject({ expiresAt: time })
export const committedAnswer: z.ZodType = z.strictObject({ etag })

const contactSet = z.strictObject({
  wayId: id16,
  threshold: count,
  waitDays: count,
  contacts: z.array(z.strictObject({ place: count, accountId: uuid })),
})
const contactRequest = {
  id: id16,
  device: id16,
  label: z.string(),
  requestedAt: time,
  dueAt: time,
  expiresAt: time,
}
const begun = z.strictObject({ ...contactRequest, answers: count })
export const contactsAnswer: z.ZodType = z.strictObject({
  set: contactSet.nullable(),
  requests: z.array(begun),
})
export const contactRequestAnswer: z.ZodType = begun
export const ownRequestAnswer: z.ZodType = z.strictObject({
  ...contactRequest,
  answers: z.array(z.strictObject({ place: count, answer: base64 })),
})
export const askedAnswer: z.ZodType = z.strictObject({
  asked: z.array(
    z.strictObject({
      ownerId: uuid,
      id: id16,
      label: z.string(),
      publicKey: base64,
      requestedAt: time,
      dueAt: time,
      names: base64,
      share: base64.nullable(),
      answered: z.boolean(),
    }),
  ),
  next: z.string().nullable(),
})

const device = { id: id16, label: z.string(), firstUsedAt: time, lastUsedAt: time }
export const devicesAnswer: z.ZodType = z.strictObject({
  devices: z.array(z.strictObject({ ...device, signedIn: z.boolean() })),
})
export const linkAnswer: z.ZodType = z.strictObject({
  id: id16,
  offeredBy: id16,
  expiresAt: time,
  messages: z.array(base64),
})

export const accountAnswer: z.ZodType = z.strictObject({
  account: z.strictObject({ id: uuid, createdAt: time.nullable() }),
  devices: z.array(z.strictObject(device)),
  sessions: z.array(z.strictObject({ device: id16, expiresAt: time, endedAt: time.nullable() })),
  contacts: contactSet.nullable(),
  contactRequests: z.array(begun),
  contactOf: z.array(uuid),
  links: z.array(linkAnswer),
})

export const removedAnswer: z.ZodType = z.strictObject({ status: z.enum(['removed', 'closed']) })
export const waitingAnswer: z.ZodType = z.strictObject({
  status: z.literal('waiting'),
  kind: z.enum(REMOVAL_KINDS),
  requestedAt: time,
  dueAt: time,
})

export const realmAnswer: z.ZodType = z.strictObject({ realmID: id16, keyhaven: z.literal(1) })
export const auditAnswer: z.ZodType<AuditPage> = z.strictObject({
  events: z.array(z.strictObject({ id: id16, type: z.enum(AUDITED), record: id32, at: time })),
  cursor: z
    .string()
    .regex(/^[0-9a-f]{48}$/)
    .nullable(),
  more: z.boolean(),
})

export const documentAnswer: z.ZodType = z.looseObject({ openapi: z.literal('3.1.1') })
