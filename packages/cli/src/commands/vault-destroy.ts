/** `keyhaven vault destroy`: deletes the vault and what opens it. */
import { KeyhavenError } from 'keyhaven'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { requireConfirmation, YES_OPTION } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { destroyDevice, hasRemains } from '../device/destroy.ts'
import { HOME_OPTION, requireFolder, resolveHome } from '../device/home.ts'

export const vaultDestroy: Command = {
  name: 'vault destroy',
  group: 'vault',
  summary: 'Delete the vault of this device and its key, for good',
  details: [
    'Needs no password and works on a damaged vault, too. Keys that are neither in a backup nor on another device are gone then. A backup on the server stays, and "keyhaven restore" brings it to a new device.',
    'Nothing is left here that opens anything; copies that others made of the folder, and what a disk keeps of deleted files, are beyond this command.',
  ],
  options: { ...HOME_OPTION, ...YES_OPTION },
  run: runDestroy,
}

async function runDestroy(invocation: Invocation): Promise<Answer> {
  const home = resolveHome(invocation)
  await requireFolder(home)
  if (!(await hasRemains(home))) throw new KeyhavenError('ERR_VAULT_MISSING', undefined)
  const question = `Delete the vault in ${home}? What is in no backup is gone for good.`
  await requireConfirmation(invocation, question)
  await destroyDevice(home)
  return {
    exit: EXIT.ok,
    json: { status: 'destroyed', home },
    text: `Deleted the vault in ${home} and its key.`,
  }
}
