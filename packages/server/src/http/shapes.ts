/**
 * The shapes that several routes share, for zod. Ids are lower-case hex: an id has one spelling.
 */
import { z } from 'zod'
import { parseBase64 } from 'keyhaven/crypto'

function hex(bytes: number): z.ZodString {
  return z.string().regex(new RegExp(`^[0-9a-f]{${String(2 * bytes)}}$`))
}

/** 16 bytes: a device, a realm, a registration, a way. */
export const id16: z.ZodString = hex(16)
/** 32 bytes: a segment, a public key. */
export const id32: z.ZodString = hex(32)
/** 64 bytes. */
export const signatureShape: z.ZodString = hex(64)
/** 48 bytes: a root key under another. */
export const sealedRootShape: z.ZodString = hex(48)
export const generationShape: z.ZodInt = z.int().min(1).max(0xffffffff)
/** A whole number in a query. */
export const counterShape: z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)

/** Base64 of `least` to `most` bytes; of just `most` where no least is named. */
export function base64Shape(
  most: number,
  least: number = most,
): z.ZodPipe<z.ZodString, z.ZodTransform<Uint8Array, string>> {
  return z
    .string()
    .min(4 * Math.ceil(least / 3))
    .max(4 * Math.ceil(most / 3))
    .transform((text, context) => {
      const bytes = readBase64(text)
      if (bytes !== undefined && bytes.length >= least && bytes.length <= most) return bytes
      context.addIssue({ code: 'custom', message: 'Not that many bytes of base64.' })
      return z.NEVER
    })
}

function readBase64(text: string): Uint8Array | undefined {
  try {
    return parseBase64(text, 'base64')
  } catch {
    return undefined
  }
}

/** The header by which the authority key signs. */
export const proofHeader: Readonly<Record<string, z.ZodType>> = {
  'Keyhaven-Proof': signatureShape.optional(),
}

/** The realms of a configuration. */
export const realmIdsShape: z.ZodArray<z.ZodString> = z
  .array(id16)
  .min(1)
  .max(16)
  .refine(allDifferent)
  .meta({ uniqueItems: true })

/** A device's label: 1 to 64 characters, none of them a control character. */
export const labelShape: z.ZodString = z
  .string()
  .refine((text) => {
    const length = Array.from(text).length
    return length >= 1 && length <= 64 && !/\p{Cc}|\p{Cs}/u.test(text)
  })
  .meta({ minLength: 1, maxLength: 64 })

/** True when no value occurs twice. */
export function allDifferent(values: readonly string[]): boolean {
  return new Set(values).size === values.length
}
