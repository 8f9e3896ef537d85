import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { generateScalar, groupNoble, verifyEvaluation } from 'keyhaven/recovery/realm'
import type { RealmResponse } from 'keyhaven/recovery/realm'
import type { CurvePool } from './curve-pool.ts'
import { createCurvePool } from './curve-pool.ts'
import type { CurveTask } from './curve-worker.ts'
import { DECOY } from './decoy.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyhaven-curve-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const pools: CurvePool[] = []
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
})

function open(options: Parameters<typeof createCurvePool>[0]): CurvePool {
  const pool = createCurvePool(options)
  pools.push(pool)
  return pool
}

function newTask(): CurveTask {
  const blindedInput = groupNoble.multiplyBase(generateScalar(groupNoble))
  const decision = { kind: 'evaluate', blindedInput, numGuesses: 7, guessCount: 3 } as const
  return { decision, registration: DECOY }
}

function isGood(task: CurveTask, response: RealmResponse): boolean {
  if (response.kind !== 'recover2' || response.status !== 'ok') return false
  const { signedPublicKey, blindedResult, proof, guessCount } = response.evaluation
  const { blindedInput } = task.decision
  const { publicKey } = signedPublicKey
  const about = { group: groupNoble, publicKey, blindedInput, blindedResult, proof }
  return guessCount === 3 && verifyEvaluation(about)
}

/** A thread that ends at its `fatal`-th message of all threads' of its pool, and answers the others with their number. */
function writeThread(name: string, fatal: readonly number[]): string {
  const file = join(folder, `${name}.mjs`)
  const counter = JSON.stringify(join(folder, `${name}.count`))
  writeFileSync(
    file,
    `import { appendFileSync, readFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
parentPort.on('message', ({ number }) => {
  appendFileSync(${counter}, '.')
  if (${JSON.stringify(fatal)}.includes(readFileSync(${counter}).length)) process.exit(1)
  parentPort.postMessage({ number, response: { kind: 'recover1', status: 'no-guesses' } })
})`,
  )
  return file
}

describe('the threads for curve work', () => {
  it('give proofs that hold, each to whom it belongs, also many at once', async () => {
    const pool = open({ threads: 2 })
    const tasks = Array.from({ length: 20 }, newTask)
    const responses = await Promise.all(tasks.map((task) => pool.evaluate(task)))
    expect(tasks.map((task, index) => isGood(task, responses[index] as RealmResponse))).toEqual(
      tasks.map(() => true),
    )
  })

  it('have so many places and no more, and get each back once', () => {
    const pool = open({ places: 2 })
    const [first, second] = [pool.enter(), pool.enter()]
    expect([typeof first, typeof second, pool.enter()]).toEqual(['function', 'function', undefined])
    first?.()
    first?.()
    expect(pool.load()).toEqual({ inside: 1, waiting: 0 })
    expect([typeof pool.enter(), pool.enter()]).toEqual(['function', undefined])
  })

  it('are replaced when they die, and what they had is done by others', async () => {
    const pool = open({ threads: 1, workerFile: writeThread('dies-once', [2]) })
    const answers = await Promise.all(Array.from({ length: 6 }, () => pool.evaluate(newTask())))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill('no-guesses'))
    expect(await pool.evaluate(newTask())).toMatchObject({ status: 'no-guesses' })
  })

  it('give up what two of them died of, and go on with the rest', async () => {
    const pool = open({ threads: 1, workerFile: writeThread('dies-twice', [1, 2]) })
    await expect(pool.evaluate(newTask())).rejects.toThrow('A thread could not evaluate an input.')
    expect(await pool.evaluate(newTask())).toMatchObject({ status: 'no-guesses' })
  })

  it('that cannot start fail the work and not the server', async () => {
    const pool = open({ threads: 1, workerFile: join(folder, 'missing.mjs') })
    await expect(pool.evaluate(newTask())).rejects.toThrow('A thread could not evaluate an input.')
  })

  it('end only when what was begun is done', async () => {
    const pool = createCurvePool({ threads: 1 })
    const tasks = Array.from({ length: 5 }, newTask)
    const answers = tasks.map((task) => pool.evaluate(task))
    await pool.close()
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(5).fill('ok'))
  })
})
