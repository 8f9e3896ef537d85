/** `keyhaven realms new-key`: makes the key that signs an app's realms. */
import { deriveEd25519PublicKey, randomBytes, toHex, wipe } from 'keyhaven/crypto'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { writePrivate } from '../device/files.ts'

export const realmsNewKey: Command = {
  name: 'realms new-key',
  group: 'server',
  summary: 'Make the key that signs which realms an app relies on',
  details: [
    'Whoever has this key says which realms people are moved to: keep it off every server, in two safe places, and use one for each app. The app has the public key compiled in; people name it with --realms-key.',
  ],
  options: {
    out: { value: 'FILE', summary: 'where the key goes, made with mode 0600; an existing file is kept' },
  },
  run: runNewKey,
}

async function runNewKey(invocation: Invocation): Promise<Answer> {
  const file = invocation.option('out')
  if (file === undefined) throw new CommandError('ERR_USAGE', '--out FILE is missing: where the key goes.')
  const seed = randomBytes(32)
  try {
    await writePrivate(file, `${toHex(seed)}\n`)
    const publicKey = toHex(deriveEd25519PublicKey(seed))
    return {
      exit: EXIT.ok,
      json: { status: 'made', file, publicKey },
      text: `The key is in ${file}. Its public key:\n${publicKey}`,
    }
  } finally {
    wipe(seed)
  }
}
