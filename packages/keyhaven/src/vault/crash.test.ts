import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KeyhavenError } from '../errors.ts'
import { fileStorage } from './file.ts'
import { createVault, openVault } from './index.ts'
import { fileOperations } from './storage/file-operations.ts'
import type { FileOperations } from './storage/file-operations.ts'
import { judge, prepare, run, useOn } from './testing/crash-steps.ts'
import type { StepName } from './testing/crash-steps.ts'
import { failingOperations } from './testing/failing-operations.ts'
import type { Moment } from './testing/failing-operations.ts'
import { fixedProtection } from './testing/fixed-protection.ts'
import './testing/no-network.ts'

const steps: readonly StepName[] = [
  'create',
  'write',
  'change-protection',
  'change-device-key',
  'destroy',
  'destroy-device-key',
]
let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'keyhaven crash '))
})
afterAll(() => rm(home, { recursive: true }))

/** A copy of what the step starts from, for one trial. */
async function trial(step: StepName, label: string): Promise<string> {
  const directory = join(home, label)
  await prepare(step, directory, fileOperations)
  return directory
}

interface Blow {
  readonly moment: Moment
  readonly at: number
}

/** Faults strike every second call and moment, kills, which cost more, every third; in the soak both do so at every one. */
const SOAK = process.env['KEYHAVEN_SOAK'] === '1'
const STRIKE_EVERY = SOAK ? 1 : 2
const KILL_EVERY = SOAK ? 1 : 3

/** A call that only reads leaves the disk as it is: before and after it are one moment. */
function momentsOf(call: keyof FileOperations): readonly Moment[] {
  if (call === 'read' || call === 'list') return ['before']
  return call === 'create' ? ['before', 'halfway', 'after'] : ['before', 'after']
}

/** Every call of the step, and each moment at which a crash can strike it. */
async function blowsAt(step: StepName, label: string): Promise<readonly Blow[]> {
  const directory = await trial(step, `${label} ${step}`)
  const { operations, calls } = failingOperations(-1, 'before', () => undefined)
  await run(step, directory, operations)
  return calls().flatMap((call, at) => {
    return momentsOf(call).map((moment) => ({ moment, at }))
  })
}

/** Runs a child of the built package; the folder of this file in `dist` is beside that in `src`. */
function startChild(script: string, args: readonly string[]): ReturnType<typeof spawn> {
  const path = fileURLToPath(new URL(`../../dist/vault/testing/${script}`, import.meta.url))
  return spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}

describe.each(steps)('a crash during %s', (step) => {
  it('by a fault of any storage call leaves the old or the new state, and the vault usable', async () => {
    const outcomes = new Set<string>()
    const blows = (await blowsAt(step, 'faults')).filter((_, index) => index % STRIKE_EVERY === 0)
    for (const { moment, at } of blows) {
      const directory = await trial(step, `fault ${step} ${moment} ${String(at)}`)
      const { operations } = failingOperations(at, moment, () => {
        throw new KeyhavenError('ERR_STORAGE_FAILED', { fault: 'EIO' })
      })
      const failure: unknown = await run(step, directory, operations).then(
        () => undefined,
        (error: unknown) => error,
      )
      const state = await judge(step, directory, fileOperations)
      if (failure === undefined) expect(state).toBe('new')
      else expect(failure).toBeInstanceOf(KeyhavenError)
      outcomes.add(state)
      // A fault may have hit the release of the lock, which this very process then holds.
      for (const lock of ['vaults/v.lock', 'device.key.lock'])
        await rm(join(directory, lock), { force: true })
      await useOn(step, directory, fileOperations)
    }
    expect([...outcomes].toSorted()).toEqual(['new', 'old'])
  })

  it('by SIGKILL at any storage call leaves the old or the new state, and the vault usable', async () => {
    const prepared = await trial(step, `prepared ${step}`)
    const outcomes = new Set<string>()
    // To be killed before a call, or after one that reads, is to be killed after the last that changed anything.
    const blows = (await blowsAt(step, 'kills')).filter(({ moment }) => moment !== 'before')
    const next = blows.filter((_, index) => index % KILL_EVERY === 0).values()
    const worker = async (): Promise<void> => {
      for (const { moment, at } of next) {
        const directory = join(home, `kill ${step} ${moment} ${String(at)}`)
        if (step !== 'create') await cp(prepared, directory, { recursive: true })
        const child = startChild('crash-child.js', [step, directory, String(at), moment])
        expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
        outcomes.add(await judge(step, directory, fileOperations))
        await useOn(step, directory, fileOperations)
      }
    }
    await Promise.all([worker(), worker(), worker()])
    expect([...outcomes].toSorted()).toEqual(['new', 'old'])
  })
})

describe('several processes', () => {
  it('write to one vault at once, some are killed, and nothing that was acknowledged is lost', async () => {
    const directory = join(home, 'several')
    const storage = fileStorage({ directory })
    const vault = await createVault({ name: 'v', storage, protections: [fixedProtection('one')] })
    const done: string[] = []
    const work = ['one', 'two', 'three', 'four'].map(async (prefix, index) => {
      const killed = index % 2 === 1
      // Who is to be killed would write on, so that however late the signal comes, it meets a writer.
      const child = startChild('writer-child.js', [directory, prefix, killed ? '1000000' : '25'])
      let text = ''
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        if (killed && text.split('\n').length > 8 + index) child.kill('SIGKILL')
      })
      const [code] = (await once(child, 'close')) as [number | null]
      expect(code).toBe(killed ? null : 0)
      done.push(...text.split('\n').slice(0, -1))
    })
    await Promise.all(work)
    expect(done.length).toBeGreaterThan(60)
    const again = await openVault({ name: 'v', storage })
    await again.unlock(fixedProtection('one'))
    for (const name of done) expect(new TextDecoder().decode((await again.get(name))?.bytes)).toBe(name)
    await vault.put('last', { type: 't', bytes: new Uint8Array(1) })
  })
})
