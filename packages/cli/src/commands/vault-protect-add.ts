/** `keyhaven vault protect add`: one more way into the vault. */
import { chooseWord } from '../command-line/choice.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import {
  chooseProtection,
  describeWeakness,
  NEW_PROTECTION_OPTIONS,
  PROTECTION_TYPES,
} from '../device/new-protection.ts'
import { typeOf } from '../device/protections.ts'

export const vaultProtectAdd: Command = {
  name: 'vault protect add',
  group: 'vault',
  summary: 'Add a password, a keychain, or the key of this device, as one more way in',
  details: [
    'A vault is as open as its weakest protection: to have it ask for a password each time, remove its device protection afterwards, or use "keyhaven vault protect replace device --with password".',
    '--password-file names the new password, --vault-password-file one that opens the vault now.',
  ],
  positionals: [{ name: 'TYPE', summary: 'device, password or keychain' }],
  options: { ...DEVICE_OPTIONS, ...NEW_PROTECTION_OPTIONS },
  run: runAdd,
}

async function runAdd(invocation: Invocation): Promise<Answer> {
  const [typed] = invocation.positionals
  const type = chooseWord({ what: 'TYPE', typed, words: PROTECTION_TYPES })
  const { vault } = await openDevice(invocation)
  const { protection, weakness } = await chooseProtection(invocation, type)
  const id = await vault.addProtection(protection)
  const others = (await vault.protections()).filter((one) => one.id !== id)
  const stillOpen = others.some(({ factors }) => factors.every((factor) => typeOf(factor) === 'device'))
  const note =
    type !== 'device' && stillOpen
      ? '\nThe device key still opens the vault without it; "keyhaven vault protect remove device" ends that.'
      : ''
  return {
    exit: EXIT.ok,
    json: { status: 'added', id, type, passwordWeakness: weakness },
    text: `Added the ${type} protection ${id.slice(0, 8)}.${note}${describeWeakness(weakness)}`,
  }
}
