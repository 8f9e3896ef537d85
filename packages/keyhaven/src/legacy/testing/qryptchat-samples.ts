/** The samples in vectors/qryptchat.json, by their kinds. */
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'

export interface Pair {
  readonly publicKey: string
  readonly privateKey: string
  readonly algorithm: string
}
export interface MasterKeySample {
  readonly type: 'master-key'
  readonly phone: string
  readonly pin: string
  readonly saltKind: 'phone' | 'random'
  readonly iterations: number
  readonly masterKeyHex: string
}
export interface RowSample {
  readonly type: 'backup-package-7ddec2e'
  readonly phone: string
  readonly pin: string
  readonly iterations: number
  readonly masterKeyHex: string
  readonly storedRandomSaltHex: string
  readonly identity: { readonly publicKeyB64: string; readonly privateKeyB64: string }
  readonly conversationKeysB64: Readonly<Record<string, string>>
  readonly encryptedIdentityKeys: { readonly dataB64: string }
  readonly encryptedConversationKeys: { readonly dataB64: string }
}
export interface ExportSample {
  readonly type: 'private-key-export'
  readonly label: string
  readonly password: string
  readonly exportJson: string
  readonly keys1024: Pair
  readonly keys768: Pair
}
const source = new URL('../../../../../vectors/qryptchat.json', import.meta.url)
const file = JSON.parse(readFileSync(source, 'utf8')) as {
  readonly vectors: readonly (MasterKeySample | RowSample | ExportSample)[]
}

export const vectors: readonly (MasterKeySample | RowSample | ExportSample)[] = file.vectors
export const exportSamples: readonly [ExportSample, ExportSample, ...ExportSample[]] = vectors.filter(
  (vector) => vector.type === 'private-key-export',
) as [ExportSample, ExportSample, ...ExportSample[]]
const rows = vectors.filter((vector) => vector.type === 'backup-package-7ddec2e') as [RowSample]
/** The one row. */
export const sample: RowSample = rows[0]

/** What refuses data that is in no format of QryptChat. */
export const MALFORMED: unknown = expect.objectContaining({ code: 'ERR_LEGACY_MALFORMED' })

/** Keys as the samples spell them. */
export function inBase64(keys: Readonly<Record<string, Uint8Array>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(keys).map(([name, key]) => [name, Buffer.from(key).toString('base64')]),
  )
}
