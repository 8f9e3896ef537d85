import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { estimateGuessesLog10 } from './estimate-guesses.ts'
import { estimatePin } from './estimate-pin.ts'

describe('the estimate of a PIN', () => {
  test('says what six digits are: safe from ten tries, half an hour for a realm operator, nothing in the database', async () => {
    const { refusal, guessesLog10, digitsOnly, against } = await estimatePin({ pin: '905317' })
    expect({ refusal, digitsOnly }).toEqual({ refusal: undefined, digitsOnly: true })
    expect(guessesLog10).toBeLessThanOrEqual(6)
    expect(against.online.tries).toBe(10)
    expect(against.online.chance).toBeGreaterThanOrEqual(1e-5)
    expect(against.online.chance).toBeLessThan(2e-4)
    expect(against.realmOperator.seconds).toBeLessThanOrEqual(1_000_000 / 600)
    expect(against.databaseThief).toBe('nothing')
  })

  test.each([
    ['123456', 'sequence'],
    ['111111', 'repeated'],
    ['password', 'common'],
    ['511234', 'phone-number'],
  ])('never calls %s safe', async (pin, refusal) => {
    const estimate = await estimatePin({ pin, phone: '+4915112345678' })
    expect(estimate.refusal).toBe(refusal)
    expect(estimate.guessesLog10).toBeLessThan(4)
    expect(estimate.against.realmOperator.seconds).toBeLessThan(60)
  })

  test('puts several words above any short PIN, and short mixes between', async () => {
    const digits = (await estimatePin({ pin: '905317' })).guessesLog10
    const mixed = (await estimatePin({ pin: 'x4v9q1' })).guessesLog10
    const words = (await estimatePin({ pin: 'correct horse battery staple' })).guessesLog10
    expect(digits).toBeLessThan(mixed + 1e-9)
    expect(mixed).toBeLessThan(words)
    expect(words).toBeGreaterThan(12)
  })

  test('takes letters between blanks for words, in any language', async () => {
    expect(await estimateGuessesLog10('Schmetterling Kartoffel')).toBeLessThan(12)
    expect(await estimateGuessesLog10('добрый вечер')).toBeLessThan(12)
  })

  test('grows with the tries that the realms allow', async () => {
    const few = await estimatePin({ pin: '905317', tries: 5 })
    const many = await estimatePin({ pin: '905317', tries: 10_000_000 })
    expect(few.against.online.chance).toBeLessThan(many.against.online.chance)
    expect(many.against.online.chance).toBe(1)
  })

  test('is a number for every text, however long or strange', async () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom('', ' ', 'ab1'.repeat(2000)),
    )
    await fc.assert(
      fc.asyncProperty(texts, async (pin) => {
        const { guessesLog10, against } = await estimatePin({ pin })
        expect(guessesLog10).toBeGreaterThanOrEqual(0)
        expect(against.online.chance).toBeGreaterThan(0)
        expect(against.online.chance).toBeLessThanOrEqual(1)
        expect(Number.isFinite(guessesLog10)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })
})
