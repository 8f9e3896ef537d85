/** `keyhaven vault list`: the records of the vault by name, type and version; never their bytes. */
import type { RecordSummary } from 'keyhaven/vault'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount, printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'

export const vaultList: Command = {
  name: 'vault list',
  group: 'vault',
  summary: 'List the records of the vault, without showing them',
  details: [
    'Records whose names begin with "sync/" or "cli/" are the program\'s own: the keys that "keyhaven keys list" shows, the session, the state of the backup.',
  ],
  options: DEVICE_OPTIONS,
  run: runList,
}

async function runList(invocation: Invocation): Promise<Answer> {
  const { vault } = await openDevice(invocation)
  const records = await vault.list()
  return {
    exit: EXIT.ok,
    json: { status: 'ok', records },
    text: [describeCount(records.length, 'record'), ...rows(records)].join('\n'),
  }
}

function rows(records: readonly RecordSummary[]): string[] {
  const cells = records.map(({ name, type }) => [printable(name), printable(type)] as const)
  const [names, types] = [0, 1].map((index) => Math.max(0, ...cells.map((row) => row[index]?.length ?? 0)))
  return cells.map(([name, type], index) => {
    const version = `version ${String(records[index]?.version)}`
    return `  ${name.padEnd(names ?? 0)}  ${type.padEnd(types ?? 0)}  ${version}`
  })
}
