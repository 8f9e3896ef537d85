/** `keyhaven vault protect remove`: takes one way into the vault away. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { findProtection, typeOf } from '../device/protections.ts'

export const vaultProtectRemove: Command = {
  name: 'vault protect remove',
  group: 'vault',
  summary: 'Remove a protection; the last one stays',
  details: [
    'Removing the device protection deletes the key of this device, and removing the keychain protection its entry there: from then on the vault asks for a password. Try that password before: nothing brings a lost one back.',
    'What was removed still opens copies of the vault from before.',
  ],
  positionals: [{ name: 'WHICH', summary: 'device, password, keychain, or an id, where there are several' }],
  options: DEVICE_OPTIONS,
  run: runRemove,
}

async function runRemove(invocation: Invocation): Promise<Answer> {
  const { vault } = await openDevice(invocation)
  const { id, factors } = findProtection(await vault.protections(), invocation.positionals[0] ?? '')
  await vault.removeProtection(id)
  const left = await vault.protections()
  const asks = !left.some((one) => one.factors.every(({ type }) => type === 'device'))
  const type = factors.map(typeOf).join(' + ')
  return {
    exit: EXIT.ok,
    json: { status: 'removed', id, left: left.length },
    text: `Removed the ${type} protection ${id.slice(0, 8)}.${asks ? '\nFrom now on the vault asks for its password.' : ''}`,
  }
}
