/**
 * A process that writes many records into a shared vault, saying each one that is done:
 * `node writer-child.js <folder> <prefix> <count>`.
 */
import { utf8 } from '../../crypto/bytes.ts'
import { fileStorage } from '../storage/file.ts'
import { openVault } from '../vault.ts'
import { fixedProtection } from './fixed-protection.ts'

const [directory = '', prefix = '', count = '0'] = process.argv.slice(2)
const vault = await openVault({ name: 'v', storage: fileStorage({ directory, patienceMs: 60_000 }) })
await vault.unlock(fixedProtection('one'))
for (let index = 0; index < Number(count); index += 1) {
  const name = `${prefix} ${String(index)}`
  await vault.put(name, { type: 't', bytes: utf8(name) })
  process.stdout.write(`${name}\n`)
}
