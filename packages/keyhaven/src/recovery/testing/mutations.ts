/**
 * Input that nobody meant: samples with flipped, cut, doubled, swapped and inflated parts, and noise. Reproducible: the same
 * seed makes the same inputs, and a failure names the seed and the input.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { concat, utf8 } from '../../crypto/bytes.ts'
import { toHex } from '../../crypto/text.ts'

/** How many inputs each decoder gets: a few hundred, a million in `npm run test:soak`, or as many as one says. */
export const FUZZ_ROUNDS: number = Number(
  process.env['KEYHAVEN_FUZZ_ROUNDS'] ?? (process.env['KEYHAVEN_SOAK'] === '1' ? 1_000_000 : 300),
)

/** A million inputs of points take an hour. */
export const FUZZ: { readonly timeout: number } = { timeout: 4 * 3_600_000 }

/** What a run may leave behind, in bytes: less than a byte for each input of a long one. */
const MOST_LEFT_BEHIND = 48 * 1024 * 1024

/** Whole numbers from 0 to below `most`. */
export type Random = (most: number) => number

/** A small generator (mulberry32): for tests, never for keys. */
export function seededRandom(seed: number): Random {
  let state = seed
  return (most) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * most)
  }
}

/** Bytes that lengths, types and signs turn on, in CBOR and in JSON. */
const TELLING = [
  0x00, 0x1b, 0x1f, 0x5b, 0x7b, 0x7f, 0x9b, 0x9f, 0xbb, 0xbf, 0xc0, 0xf7, 0xfb, 0xff, 0x22, 0x2d, 0x5d, 0x7d,
]

type Change = (input: Uint8Array, other: Uint8Array, random: Random) => Uint8Array

const CHANGES: readonly Change[] = [
  (input, _, random) => replace(input, random(input.length), Uint8Array.of(1 << random(8)), true),
  (input, _, random) =>
    replace(input, random(input.length), Uint8Array.of(TELLING[random(TELLING.length)] ?? 0)),
  (input, _, random) => replace(input, random(input.length), noise(random, 1 + random(8))),
  (input, _, random) => input.slice(0, random(input.length + 1)),
  (input, _, random) => input.slice(random(input.length + 1)),
  (input, _, random) => concat(input, noise(random, random(64))),
  (input, other, random) =>
    concat(input.slice(0, random(input.length + 1)), other.slice(random(other.length + 1))),
  (input, _, random) => {
    const [from, length] = [random(input.length + 1), random(64)]
    return concat(input.slice(0, from), input.slice(from, from + length), input.slice(from))
  },
  (_, __, random) => noise(random, random(300)),
  (input, _, random) =>
    random(100) === 0 ? concat(...Array.from({ length: 1 + random(40) }, () => input)) : input,
]

function noise(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random(256))
}

function replace(input: Uint8Array, at: number, by: Uint8Array, flip = false): Uint8Array {
  const changed = input.slice()
  by.forEach((byte, index) => {
    const place = at + index
    if (place < changed.length) changed[place] = flip ? (changed[place] ?? 0) ^ byte : byte
  })
  return changed
}

/** A sample, changed one to three times. */
export function mutate(samples: readonly Uint8Array[], random: Random): Uint8Array {
  const pick = (): Uint8Array => samples[random(samples.length)] ?? new Uint8Array()
  let input = pick()
  for (let change = random(3); change >= 0; change -= 1) {
    input = CHANGES[random(CHANGES.length)]?.(input, pick(), random) ?? input
  }
  return input
}

/**
 * Gives a decoder {@link FUZZ_ROUNDS} inputs. It may return, or throw what `isRefusal` knows; anything else, and memory that
 * grows with the number of inputs, fails.
 */
export async function fuzz(input: {
  readonly samples: readonly (Uint8Array | string)[]
  readonly decode: (bytes: Uint8Array, text: string) => unknown
  readonly isRefusal: (fault: unknown) => boolean
}): Promise<{ readonly taken: number; readonly refused: number }> {
  const samples = input.samples.map((sample) => (typeof sample === 'string' ? utf8(sample) : sample))
  const seed = Math.floor(Math.random() * 0x1_0000_0000)
  const random = seededRandom(seed)
  const before = heapInUse()
  let [taken, refused] = [0, 0]
  for (let round = 0; round < FUZZ_ROUNDS; round += 1) {
    const bytes = mutate(samples, random)
    try {
      const value = input.decode(bytes, new TextDecoder().decode(bytes))
      if (value instanceof Promise) await value
      taken += 1
    } catch (fault) {
      if (!input.isRefusal(fault)) throw new Error(`seed ${seed}, input ${toHex(bytes)}`, { cause: fault })
      refused += 1
    }
  }
  const left = heapInUse() - before
  if (left > MOST_LEFT_BEHIND)
    throw new Error(`seed ${seed}: ${left} bytes stayed after ${FUZZ_ROUNDS} inputs`)
  return { taken, refused }
}

/** Bytes on the heap after everything that can go has gone. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
