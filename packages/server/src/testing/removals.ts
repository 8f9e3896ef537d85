/**
 * What a device signs to delete its backup or to keep it, for tests; the bytes are written here as protocol.md has them.
 */
import { createPrivateKey, sign } from 'node:crypto'
import type { TestAnswer, TestDevice } from './app.ts'
import type { TestBackup } from './backups.ts'

const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

function signWith(seed: Uint8Array, message: Buffer): string {
  const key = createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' })
  return sign(null, message, key).toString('hex')
}

function prefixed(part: Buffer | string): Buffer {
  const bytes = Buffer.from(part)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function accountOf(device: TestDevice): Buffer {
  return Buffer.from(device.accountId.replaceAll('-', ''), 'hex')
}

/** The signature that deletes a backup. */
export function signRemoval(
  device: TestDevice,
  backup: Pick<TestBackup, 'authority' | 'etag'>,
  { kind = 'backup', generation = 1 }: { readonly kind?: string; readonly generation?: number } = {},
): string {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(generation)
  const parts = [prefixed('keyhaven/removal/v1'), prefixed(accountOf(device)), prefixed(kind)]
  return signWith(backup.authority.seed, Buffer.concat([...parts, number, prefixed(backup.etag)]))
}

/** The signature that ends the wait which was requested at this time. */
export function signKeep(
  device: TestDevice,
  backup: Pick<TestBackup, 'authority'>,
  requestedAt: string,
): string {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(Date.parse(requestedAt)))
  const parts = [prefixed('keyhaven/keep/v1'), prefixed(accountOf(device)), time]
  return signWith(backup.authority.seed, Buffer.concat(parts))
}

/** Asks for the deletion of a backup; signed when a signature is given. */
export function postRemoval(
  device: TestDevice,
  body: {
    readonly kind?: string
    readonly etag: string | null
    readonly signature?: string
    readonly leaveRegistrations?: boolean
  },
): Promise<TestAnswer> {
  return device.post('/v1/removals', { kind: 'backup', ...body })
}
