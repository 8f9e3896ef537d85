/** A device of the demo: its own folder, and the real command in a process of its own for everything that it does. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeySet } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { parseKeyFile, serializeKeys } from '../device/key-file.ts'
import { describeAnswer, runKeyhaven } from './keyhaven-process.ts'
import type { Finished, ServerProcess } from './keyhaven-process.ts'

export interface DemoDevice {
  signIn(phone: string): Promise<void>
  importKeys(keys: KeySet): Promise<void>
  backup(pin: string): Promise<void>
  /** The answer of a restore, whatever it is. */
  tryRestore(pin: string): Promise<Finished>
  restore(pin: string): Promise<void>
  exportKeys(): Promise<KeySet>
}

/** A device named `name` below `folder`, which talks to `server` through `origin`. */
export function createDemoDevice(input: {
  readonly name: string
  readonly folder: string
  readonly origin: string
  readonly server: ServerProcess
  readonly signal: AbortSignal
}): DemoDevice {
  const { name, folder, origin, server, signal } = input
  const home = join(folder, name)
  const run = (words: readonly string[], stdin?: string | Promise<string>): Promise<Finished> =>
    runKeyhaven({ words: [...words, '--home', home], signal, ...(stdin !== undefined && { stdin }) })
  const succeed = async (
    words: readonly string[],
    stdin?: string | Promise<string>,
  ): Promise<Readonly<Record<string, unknown>>> => {
    const { exit, answer } = await run(words, stdin)
    if (exit === EXIT.ok && answer !== undefined) return answer
    throw new CommandError(
      'ERR_DEMO_FAILED',
      `"keyhaven ${words.slice(0, 2).join(' ')}" on ${name}: ${describeAnswer(answer)}`,
      EXIT.fault,
    )
  }
  return {
    async signIn(phone) {
      const code = server.waitForCode(server.codes.length + 1)
      await succeed(['login', '--server', origin, '--phone', phone, '--label', name, '--code-stdin'], code)
    },
    async importKeys(keys) {
      const file = join(folder, `${name}-keys.json`)
      await writeFile(file, JSON.stringify(serializeKeys(keys)), { mode: 0o600 })
      await succeed(['keys', 'import', file])
    },
    async backup(pin) {
      await succeed(['backup', '--pin-stdin'], pin)
    },
    tryRestore: (pin) => run(['restore', '--pin-stdin'], pin),
    async restore(pin) {
      await succeed(['restore', '--pin-stdin'], pin)
    },
    exportKeys: async () =>
      parseKeyFile(Buffer.from(JSON.stringify(await succeed(['keys', 'export', '--reveal'])))),
  }
}
