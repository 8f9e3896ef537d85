/** `keyhaven vault protect list`: what opens the vault, read without opening it. */
import { toHex } from 'keyhaven/crypto'
import { KeyhavenError } from 'keyhaven'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount } from '../command-line/words.ts'
import { describeDevice, HOME_OPTION } from '../device/home.ts'
import { describeProtection, presentProtection } from '../device/protections.ts'

export const vaultProtectList: Command = {
  name: 'vault protect list',
  group: 'vault',
  summary: 'List the protections of the vault with their parameters; asks for nothing',
  details: [
    'Each protection opens the vault alone. The list is read without opening the vault, so nobody has vouched for it: it shows what is stored.',
  ],
  options: HOME_OPTION,
  run: runList,
}

async function runList(invocation: Invocation): Promise<Answer> {
  const description = await describeDevice(invocation)
  if (description.status !== 'present') throw new KeyhavenError('ERR_VAULT_MISSING', undefined)
  const { id, protections } = description
  const rows = protections.map((protection) => `  ${describeProtection(protection)}`)
  return {
    exit: EXIT.ok,
    json: { status: 'ok', vaultId: toHex(id), protections: protections.map(presentProtection) },
    text: [describeCount(protections.length, 'protection'), ...rows].join('\n'),
  }
}
