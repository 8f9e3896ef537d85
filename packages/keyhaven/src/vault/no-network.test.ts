import { connect } from 'node:net'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import './testing/no-network.ts'

it('refuses every connection in a file that imports the refusal', () => {
  expect(() => connect(1, '127.0.0.1')).toThrow('the vault has used the network')
  expect(() => fetch('http://127.0.0.1:1')).toThrow('the vault has used the network')
})

it('is imported by every test of vault, nostr and legacy', () => {
  const source = join(import.meta.dirname, '..')
  const tests = ['vault', 'nostr', 'legacy'].flatMap((room) =>
    readdirSync(join(source, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => join(source, room, file)),
  )
  expect(tests.length).toBeGreaterThan(9)
  for (const test of tests)
    expect(readFileSync(test, 'utf8')).toMatch(/^import '.*\/testing\/no-network\.ts'$/m)
})
