/** `keyhaven demo`: keys leave one device and arrive on another, and nothing that opens them was ever on the server. */
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { createSteps, headRow, row } from '../demo/steps.ts'
import type { DemoResult } from '../demo/run-demo.ts'

export const demo: Command = {
  name: 'demo',
  group: 'demo',
  summary: 'Watch keys leave one device and arrive on another, on this machine alone',
  details: [
    'Starts a server on a free port with a new PostgreSQL, signs two devices in, backs 1,000 keys up from one and restores them on the other with a PIN, and compares every byte; then a second person with a passphrase.',
    "Everything on the wire passes a proxy that keeps a copy. At the end the copies, the database's files and the logs are searched for the PINs, the passphrase and every key.",
    'Nothing is left behind. The exit code is 0 only if all of it held.',
  ],
  options: {},
  stopsItself: true,
  run: runDemoCommand,
}

async function runDemoCommand({ json, progress, signal }: Invocation): Promise<Answer> {
  const print = (line: string): void => {
    if (!json) process.stdout.write(`${line}\n`)
  }
  print(headRow(process.stdout.isTTY && process.env['NO_COLOR'] === undefined))
  const { runDemo } = await import('../demo/run-demo.ts')
  const steps = createSteps({ progress, print })
  const began = performance.now()
  const result = await runDemo({ steps, signal })
  const total = Math.round(performance.now() - began)
  print(row('  ', 'In all', total))
  return describeDemo(result, { ...steps.times, total })
}

/** The answer for a result, with exit code 0 only if all of it held. */
export function describeDemo(result: DemoResult, ms: Readonly<Record<string, number>>): Answer {
  const { identical, identityKeys, conversationKeys, wrongPin, search } = result
  if (search.unmarked.length > 0) {
    const text = `The search would not have found anything in: ${search.unmarked.join(', ')}.`
    throw new CommandError('ERR_DEMO_FAILED', text, EXIT.fault)
  }
  const { leaks, findings } = search
  const held = identical && leaks === 0
  const json = { identical, identityKeys, conversationKeys, wrongPin, leaks, ms }
  return {
    exit: held ? EXIT.ok : EXIT.fault,
    json,
    text: held ? SUMMARY : describeFailure(identical, findings),
  }
}

const SUMMARY = `
Every key came back, byte for byte, with a phone number and a PIN. The server never had
a PIN, a passphrase or a key: not in its files, not in its logs, not on the wire.
What this does not show: one realm is only as good as who runs it (see SECURITY.md).`

function describeFailure(identical: boolean, findings: DemoResult['search']['findings']): string {
  const lines = findings.map(({ place, form }) => `  a secret in ${place}, written as ${form}`)
  return ['', 'It did not hold.', ...(identical ? [] : ['  the keys are not identical']), ...lines].join('\n')
}
