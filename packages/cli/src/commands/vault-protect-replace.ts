/** `keyhaven vault protect replace`: a new way into the vault in the place of one, such as another password. */
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
import { findProtection, typeOf } from '../device/protections.ts'

export const vaultProtectReplace: Command = {
  name: 'vault protect replace',
  group: 'vault',
  summary: 'Change the password of the vault, or one kind of protection for another',
  details: [
    'One step: at every moment the old one or the new one opens the vault. The vault is opened first, by the old password or by another protection that it has.',
    '--password-file names the new password, --vault-password-file one that opens the vault now. What was replaced still opens copies of the vault from before.',
  ],
  positionals: [{ name: 'WHICH', summary: 'device, password, keychain, or an id, where there are several' }],
  options: {
    ...DEVICE_OPTIONS,
    with: { value: 'TYPE', summary: 'device, password or keychain', default: 'the same type' },
    ...NEW_PROTECTION_OPTIONS,
  },
  run: runReplace,
}

async function runReplace(invocation: Invocation): Promise<Answer> {
  const typed = invocation.option('with')
  const asked = typed && chooseWord({ what: '--with', typed, words: PROTECTION_TYPES })
  const { vault } = await openDevice(invocation)
  const old = findProtection(await vault.protections(), invocation.positionals[0] ?? '')
  const [factor, ...others] = old.factors
  const same = factor !== undefined && others.length === 0 ? typeOf(factor) : undefined
  const type = chooseWord({ what: '--with', typed: asked ?? same, words: PROTECTION_TYPES })
  const { protection, weakness } = await chooseProtection(invocation, type)
  const id = await vault.changeProtection(old.id, protection)
  return {
    exit: EXIT.ok,
    json: { status: 'replaced', id, type, replaced: old.id, passwordWeakness: weakness },
    text: `Replaced ${old.id.slice(0, 8)} by the ${type} protection ${id.slice(0, 8)}.${describeWeakness(weakness)}`,
  }
}
