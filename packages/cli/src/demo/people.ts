/** The two people of the demo, each with an old device and a new one. */
import { Buffer } from 'node:buffer'
import { CommandError } from '../command-line/command-error.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount, describeCounts, describeGuesses } from '../command-line/words.ts'
import { countKeys } from '../device/key-file.ts'
import { createDemoDevice } from './demo-device.ts'
import type { DemoDevice } from './demo-device.ts'
import type { ServerProcess } from './keyhaven-process.ts'
import { generatePerson, isSameKeySet, isWorkingIdentity } from './person.ts'
import type { Person } from './person.ts'
import { generatePassphrase, generatePin } from './secrets.ts'
import { PHONES } from './stage.ts'
import type { Played, Stage } from './stage.ts'
import type { Steps } from './steps.ts'

const CONVERSATIONS = 1000
const SECOND_CONVERSATIONS = 3

/** Keys go from device A to device B under a PIN, after a try with a wrong one. */
export async function playFirstPerson(
  stage: Stage,
  server: ServerProcess,
): Promise<Played & { readonly wrongPin: { readonly guessesRemaining: number } }> {
  const { steps } = stage
  const pin = generatePin()
  const wrong = generatePin(pin)
  const deviceA = createDemoDevice({ ...stage, name: 'device A', server })
  const deviceB = createDemoDevice({ ...stage, name: 'device B', server })
  await signIn(steps, deviceA, { name: 'signInA', text: 'Device A signs in with a code sent to its phone' })
  const person = await makeKeys(stage, deviceA)
  await steps.run({
    name: 'backup',
    doing: 'Device A backs up under a PIN',
    work: () => deviceA.backup(pin),
    describe: () => 'Device A backs them up under a PIN',
  })
  await signIn(steps, deviceB, {
    name: 'signInB',
    text: 'Device B, another process with its own home, signs in',
  })
  const guessesRemaining = await tryWrongPin(steps, deviceB, wrong)
  await steps.run({
    name: 'restore',
    doing: 'Device B restores',
    work: () => deviceB.restore(pin),
    describe: () => 'Device B restores with the right PIN',
  })
  const identical = await compareKeys(steps, deviceB, person)
  return { person, bytes: [], digits: [pin, wrong], identical, wrongPin: { guessesRemaining } }
}

async function signIn(
  steps: Steps,
  device: DemoDevice,
  step: { readonly name: string; readonly text: string },
): Promise<void> {
  await steps.run({
    name: step.name,
    doing: step.text,
    work: () => device.signIn(PHONES.first),
    describe: () => step.text,
  })
}

function makeKeys({ steps }: Stage, device: DemoDevice): Promise<Person> {
  return steps.run({
    name: 'makeKeys',
    doing: 'Device A makes its keys',
    work: async () => {
      const person = await generatePerson(CONVERSATIONS)
      await device.importKeys(person.keys)
      return person
    },
    describe: (person) => `Device A makes ${describeCounts(countKeys(person.keys))}`,
  })
}

function tryWrongPin(steps: Steps, device: DemoDevice, wrong: string): Promise<number> {
  return steps.run({
    name: 'wrongPin',
    doing: 'Device B tries a wrong PIN',
    work: async () => {
      const { exit, answer } = await device.tryRestore(wrong)
      const remaining = answer?.['guessesRemaining']
      if (exit === EXIT.wrongPin && typeof remaining === 'number') return remaining
      throw new CommandError('ERR_DEMO_FAILED', 'A wrong PIN was not answered as one.', EXIT.fault)
    },
    describe: (remaining) => `Device B tries a wrong PIN: refused, ${describeGuesses(remaining)}`,
  })
}

function compareKeys(steps: Steps, device: DemoDevice, person: Person): Promise<boolean> {
  const { identityKeys, conversationKeys } = countKeys(person.keys)
  const count = describeCount(identityKeys + conversationKeys, 'key')
  return steps.run({
    name: 'compare',
    doing: 'Comparing the keys',
    work: async () => {
      const restored = await device.exportKeys()
      return isSameKeySet(person.keys, restored) && (await isWorkingIdentity(restored, person.publicIdentity))
    },
    describe: (same) =>
      same ? `${count} compared byte by byte: identical, and they work` : `${count} compared: NOT IDENTICAL`,
  })
}

/** The same in short, with a passphrase of 16 characters. */
export function playSecondPerson(stage: Stage, server: ServerProcess): Promise<Played> {
  return stage.steps.run({
    name: 'secondPerson',
    doing: 'A second person does the same with a passphrase',
    work: async (say) => {
      const passphrase = generatePassphrase()
      const person = await generatePerson(SECOND_CONVERSATIONS)
      const [before, after] = ['device C', 'device D'].map((name) =>
        createDemoDevice({ ...stage, name, server }),
      )
      if (before === undefined || after === undefined) throw new RangeError('two devices')
      say('signing in')
      await before.signIn(PHONES.second)
      await before.importKeys(person.keys)
      say('backing up')
      await before.backup(passphrase)
      await after.signIn(PHONES.second)
      say('restoring')
      await after.restore(passphrase)
      const identical = isSameKeySet(person.keys, await after.exportKeys())
      return { person, bytes: [Buffer.from(passphrase)], digits: [], identical }
    },
    describe: ({ identical }) =>
      `A second person does the same with a passphrase: ${identical ? 'identical' : 'NOT IDENTICAL'}`,
  })
}
