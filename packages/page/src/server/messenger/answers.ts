/** What the messenger's routes answer, for `/openapi.json`; a test holds real answers against these. */
import { z } from 'zod'
import { id16 } from '@keyhaven/server/routes'

const time = z.iso.datetime()
const place = z.int().min(1)
const member = z.strictObject({ identity: z.base64(), proof: z.base64() })

export const listAnswer: z.ZodType = z.strictObject({
  conversations: z.array(
    z.strictObject({
      id: id16,
      joined: z.boolean(),
      expiresAt: time,
      messages: z.int().min(0),
      name: z.base64().nullable(),
      other: z.uuid().nullable(),
    }),
  ),
})
export const begunAnswer: z.ZodType = z.strictObject({ expiresAt: time })
export const inviteAnswer: z.ZodType = z.strictObject({ id: id16, host: member })
export const conversationAnswer: z.ZodType = z.strictObject({
  mine: z.enum(['host', 'guest']),
  host: member,
  guest: member.nullable(),
  expiresAt: time,
})
export const messagesAnswer: z.ZodType = z.strictObject({
  messages: z.array(z.strictObject({ place, mine: z.boolean(), id: id16, body: z.base64(), sentAt: time })),
})
export const addedAnswer: z.ZodType = z.strictObject({ place })
