import { describe, expect, test } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { parseTrustedProxies } from '../http/origin.ts'
import { randomPhone, startTestApp } from '../testing/app.ts'
import { laneOf } from './lanes.ts'

const DAY_MS = 86_400_000

describe('a number that is flooded', () => {
  test('gives one network five codes of a day and all networks together ten; the next day again', async () => {
    const server = await startTestApp({
      trustedProxies: parseTrustedProxies(['127.0.0.1']),
      limits: { codesPerPhone: { most: 1000, seconds: 600 } },
    })
    const phone = randomPhone()
    const flood = async (addresses: readonly string[]): Promise<number> => {
      let given = 0
      for (const address of addresses) {
        const { status } = await server.post('/v1/auth/code', { phone }, { 'X-Forwarded-For': address })
        given += status === 202 ? 1 : 0
      }
      return given
    }
    const oneNetwork = Array.from({ length: 12 }, (_, host) => `203.0.113.${String(host)}`)
    // Five lanes are left, and none of them is missed by a hundred networks but once in ten million runs.
    const many = Array.from({ length: 100 }, (_, network) => `198.51.${String(network)}.1`)
    expect(await flood(oneNetwork)).toBe(5)
    expect(await flood(many)).toBe(5)
    expect(await flood(['2001:db8::1', '192.0.2.1'])).toBe(0)
    server.clock.now = new Date(server.clock.now.getTime() + DAY_MS)
    expect(await flood(oneNetwork)).toBe(5)
  })
})

describe('a lane', () => {
  const number = randomBytes(32)
  const rateLimitKey = randomBytes(32)
  const now = new Date('2026-11-28T12:00:00Z')
  const lane = (address: string | null, changes: Partial<Parameters<typeof laneOf>[0]> = {}): string =>
    toHex(laneOf({ number, address, now, rateLimitKey, ...changes }))
  const networks = Array.from({ length: 200 }, (_, network) => `10.1.${String(network)}.9`)
  const lanesOf = (changes: Partial<Parameters<typeof laneOf>[0]>): readonly string[] =>
    networks.map((address) => lane(address, changes))

  test('is one of six, the same for all of a network', () => {
    expect(new Set(lanesOf({})).size).toBe(6)
    for (const network of networks.slice(0, 20)) {
      expect(lane(network.replace(/9$/, '200'))).toBe(lane(network))
    }
    expect(lane('2001:db8:1:2::1')).toBe(lane('2001:db8:1:ffff::2'))
    expect(lane(null)).toHaveLength(66)
  })

  test('cannot be told without the key, for another number, or for another day', () => {
    const known = lanesOf({}).map((text) => text.slice(64))
    for (const change of [
      { rateLimitKey: randomBytes(32) },
      { number: randomBytes(32) },
      { now: new Date(now.getTime() + DAY_MS) },
    ])
      expect(lanesOf(change).map((text) => text.slice(64))).not.toEqual(known)
  })
})
