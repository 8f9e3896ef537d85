import { describe, expect, it } from 'vitest'
import { judge } from './mark.ts'

describe('the verdict', () => {
  const [a, b] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)]
  it.each([
    [undefined, undefined, 'newest'],
    [undefined, { position: 0, mark: a }, 'newest'],
    [undefined, { position: 1, mark: a }, 'restored'],
    [{ position: 1, mark: a }, undefined, 'lost'],
    [{ position: 1, mark: a }, { position: 0, mark: b }, 'newest'],
    [{ position: 2, mark: a }, { position: 1, mark: a }, 'newest'],
    [{ position: 2, mark: a }, { position: 2, mark: a }, 'newest'],
    [{ position: 2, mark: a }, { position: 2, mark: b }, 'restored'],
    [{ position: 2, mark: a }, { position: 3, mark: a }, 'restored'],
  ] as const)('on a database at %j and a journal at %j is %s', (held, noted, verdict) => {
    expect(judge({ held, noted })).toBe(verdict)
  })
})
