/** What an app's page loads keeps within its limits: the same files print the table of docs/benchmarks.md. */
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const bench = resolve(import.meta.dirname, '../bench')

it.each(['vault-size', 'sync-size', 'identity-size', 'bundle-size'])(
  'nothing that %s measures is over its limit',
  (name) => {
    const { status, stdout } = spawnSync(process.execPath, [join(bench, `${name}.mjs`)], { encoding: 'utf8' })
    expect(stdout).toContain('| keyhaven/')
    // The table is in the message when it fails.
    expect({ status, stdout }).toMatchObject({ status: 0 })
  },
)
