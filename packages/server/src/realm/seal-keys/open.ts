/** The place of seal keys that settings name. */
import { join } from 'node:path'
import { keyFolderOf } from '../../data/keys.ts'
import type { SealKeySettings } from '../../settings/sealing.ts'
import { environmentSealKeys } from './environment.ts'
import { fileSealKeys } from './files.ts'
import type { SealKeySource } from './source.ts'
import { openTokenSealKeys } from './token.ts'

export async function openSealKeys(input: {
  readonly sealKeys: SealKeySettings
  readonly dataDirectory: string
}): Promise<SealKeySource> {
  const { sealKeys } = input
  if (sealKeys.kind === 'environment') return environmentSealKeys(sealKeys.keys)
  if (sealKeys.kind === 'token') return openTokenSealKeys(sealKeys.address)
  const path = sealKeys.path ?? join(keyFolderOf(input.dataDirectory), 'realm-seal.key')
  return fileSealKeys(path, { named: sealKeys.path !== undefined })
}
