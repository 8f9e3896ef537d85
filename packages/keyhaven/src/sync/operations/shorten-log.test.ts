import { describe, expect, test } from 'vitest'
import { DEFAULT_MOST_SEGMENTS } from '../steps/context.ts'
import { isTooLong } from './shorten-log.ts'

describe('a log is put together anew', () => {
  const MB = 1_048_576
  test.each([
    ['few segments', 10, 3000, 20_000, false],
    ['as many as may be', 256, 70_000, 80_000, false],
    ['one more, in a small log', 257, 10_000, 65_536, true],
    ['one more, that are an eighth of the log', 257, 70_000, 560_000, true],
    ['one more, that are less of it', 257, 70_000, 560_001, false],
    ['very many, however large the log is', 4097, 1 * MB, 900 * MB, true],
    ['few that are half of the log', 5, 5 * MB, 10 * MB, true],
    ['few that are large, in a larger log', 5, 5 * MB, 11 * MB, false],
  ])('after %s: %s segments of %s bytes of %s', (_, segments, bytes, whole, expected) => {
    expect(isTooLong({ tail: { segments, bytes }, bytes: whole }, DEFAULT_MOST_SEGMENTS)).toBe(expected)
  })
})
