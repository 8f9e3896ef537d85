/** `keyhaven vault init`: sets a device up with the protection that a person chooses. */
import { KeyhavenError } from 'keyhaven'
import { chooseWord } from '../command-line/choice.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { createDevice, describeDevice, HOME_OPTION, resolveHome } from '../device/home.ts'
import {
  chooseProtection,
  describeWeakness,
  NEW_PROTECTION_OPTIONS,
  PROTECTION_TYPES,
} from '../device/new-protection.ts'
import { describeProtection, presentProtection } from '../device/protections.ts'

export const vaultInit: Command = {
  name: 'vault init',
  group: 'vault',
  summary: 'Set a device up, opened by its own key, a keychain or a password',
  details: [
    'With a device protection nobody is asked: the key lies beside the vault, and whoever can read the whole folder can open it. With a password protection every command asks for the password, and nothing else opens the vault: a lost password cannot be replaced. With a keychain protection the key lies in the keychain of the system (macOS, Windows, or the Secret Service of Linux); a keychain that cannot be had is a fault, and nothing else is used in its place.',
    'Other commands set an empty folder up with a device protection by themselves; this one is for choosing. A vault that is there already is kept.',
  ],
  options: {
    ...HOME_OPTION,
    protection: { value: 'TYPE', summary: 'device, password or keychain', default: 'device' },
    ...NEW_PROTECTION_OPTIONS,
  },
  run: runInit,
}

async function runInit(invocation: Invocation): Promise<Answer> {
  const typed = invocation.option('protection')
  const words = PROTECTION_TYPES
  const type = chooseWord({ what: '--protection', typed, words, fallback: 'device' })
  const { status } = await describeDevice(invocation)
  if (status === 'present') throw new KeyhavenError('ERR_VAULT_EXISTS', undefined)
  const { protection, weakness } = await chooseProtection(invocation, type)
  const home = resolveHome(invocation)
  const protections = await (await createDevice(home, protection)).protections()
  const rows = protections.map(describeProtection)
  return {
    exit: EXIT.ok,
    json: {
      status: 'created',
      home,
      protections: protections.map(presentProtection),
      passwordWeakness: weakness,
    },
    text: `Set up ${home}, opened by\n  ${rows.join('\n  ')}${describeWeakness(weakness)}`,
  }
}
