import { describe, expect, it } from 'vitest'
import { createTurns } from './turns.ts'

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

describe('turns', () => {
  it('come one by one under one name, in order, and side by side under two', async () => {
    const take = createTurns(10)
    const first = gate()
    const seen: string[] = []
    const note = (word: string): Promise<void> => {
      seen.push(word)
      return Promise.resolve()
    }
    const all = [
      take('a', () => first.opened.then(() => note('a1'))),
      take('a', () => note('a2')),
      take('a', () => note('a3')),
      take('b', () => note('b1')),
    ]
    await all[3]
    expect(seen).toEqual(['b1'])
    first.open()
    await Promise.all(all)
    expect(seen).toEqual(['b1', 'a1', 'a2', 'a3'])
  })

  it('go on after a failure, which only its own caller sees', async () => {
    const take = createTurns(10)
    const failed = take('a', () => Promise.reject(new Error('mine')))
    const next = take('a', () => Promise.resolve('next'))
    await expect(failed).rejects.toThrow('mine')
    expect(await next).toBe('next')
  })

  it('are refused beyond the limit, and given again once the line is shorter', async () => {
    const take = createTurns(2)
    const first = gate()
    const waiting = [take('a', () => first.opened), take('a', () => Promise.resolve())]
    let ran = false
    const refused = take('a', () => {
      ran = true
      return Promise.resolve('ran')
    })
    expect(await refused).toBeUndefined()
    expect(ran).toBe(false)
    first.open()
    await Promise.all(waiting)
    expect(await take('a', () => Promise.resolve('again'))).toBe('again')
  })
})
