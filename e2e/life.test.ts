/**
 * Random lives of accounts on the real client, server, realms and database, beside a model (testing/life.ts says what
 * both are, testing/steps.ts which steps there are).
 *
 * Checked after each step: the keys on the device that took it. After each operation: its outcome or code, what it says
 * of itself, and the backup as a whole, by restores on an empty device. At the end of a life: all devices agree, and
 * nothing is left under way.
 *
 * 5,000 steps, always the same lives; 100,000 of new lives in `npm run test:soak` (KEYHAVEN_STEPS says another number). The
 * seed of each life is printed. KEYHAVEN_SEED replays one; fast-check shrinks what fails to the steps that matter.
 */
import fc from 'fast-check'
import { beforeAll, test } from 'vitest'
import { inspect } from './testing/life-inspection.ts'
import { beginLife, endLife, takeStep } from './testing/life.ts'
import type { Life } from './testing/life.ts'
import { openPlaces } from './testing/people.ts'
import type { Place } from './testing/people.ts'
import { lifeOf } from './testing/steps.ts'
import type { Step } from './testing/steps.ts'

const soak = process.env['KEYHAVEN_SOAK'] === '1'
const replayed = process.env['KEYHAVEN_SEED']
const STEPS = Number(process.env['KEYHAVEN_STEPS'] ?? (soak ? 100_000 : 5_000))
/** A local step costs some milliseconds, one that meets the server a hundred times as much. */
const LIFE = { steps: 250, local: soak ? 24 : 44, together: 1 }

let places: readonly Place[]

beforeAll(async () => {
  const [one, twoOfThree, threeOfThree] = [{}, { realms: 3 }, { realms: 3, threshold: 3 }]
  places = await openPlaces([one, twoOfThree, one, threeOfThree], { sockets: false })
})

test(`${String(STEPS)} random steps never lose an acknowledged key, and one PIN opens the backup`, async () => {
  const tally = new Map<string, number>()
  let seed = Number(replayed ?? (soak ? Date.now() % 2 ** 31 : 1))
  for (let steps = 0; steps < STEPS; seed += 1) {
    const place = places[seed % places.length]
    if (place === undefined) throw new Error('There is no place to live.')
    process.stdout.write(`KEYHAVEN_SEED=${String(seed)}\n`)
    const live = fc.asyncProperty(lifeOf(LIFE), async (path) => {
      steps += path.length
      await liveThrough(await beginLife(place, tally), path)
    })
    const plugins = [fc.unbiased(), fc.interruptAfterTimeLimit(300_000)]
    await fc.assert(live, { seed, numRuns: 1, endOnFailure: replayed === undefined, plugins })
    if (replayed !== undefined) break
  }
  process.stdout.write(`${JSON.stringify(Object.fromEntries([...tally].sort()))}\n`)
}, 7_200_000)

async function liveThrough(life: Life, path: readonly Step[]): Promise<void> {
  try {
    for (const step of path) {
      await takeStep(life, step)
      if (step.does === 'run' || step.does === 'run-both') await inspect(life)
    }
    await endLife(life)
  } catch (fault) {
    if (replayed !== undefined) process.stdout.write(`${life.story.join('\n')}\n`)
    throw fault
  }
}
