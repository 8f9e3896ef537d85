import { describe, expect, test } from 'vitest'
import { addressBlock, cleanUserAgent, clientAddress, networkOf, parseTrustedProxies } from './origin.ts'

const trustedProxies = parseTrustedProxies(['10.0.0.0/8', '192.0.2.1', '2001:db8:1::/48', '::1'])

describe('the client’s address', () => {
  test.each([
    ['203.0.113.9', undefined, '203.0.113.9'],
    ['203.0.113.9', '1.1.1.1', '203.0.113.9'],
    ['10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['10.0.0.1', '1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['10.0.0.1', '1.1.1.1,203.0.113.7,  192.0.2.1', '203.0.113.7'],
    ['10.0.0.1', '10.2.3.4', '10.2.3.4'],
    ['10.0.0.1', '', '10.0.0.1'],
    ['10.0.0.1', 'nonsense', '10.0.0.1'],
    ['10.0.0.1', '203.0.113.7:443', '10.0.0.1'],
    ['10.0.0.1', '1.1.1.1, nonsense', '10.0.0.1'],
    ['::ffff:10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['::1', '2001:db8:2::5', '2001:db8:2::5'],
    ['2001:db8:1::9', '2001:db8:2::5, ::ffff:10.9.9.9', '2001:db8:2::5'],
    ['2001:db8:2::9', '2001:db8:3::5', '2001:db8:2::9'],
    ['fe80::1%eth0', undefined, 'fe80::1'],
    [undefined, '203.0.113.7', null],
  ])('of peer %s and forwarded %j is %s', (peer, forwardedFor, expected) => {
    expect(clientAddress({ peer, forwardedFor, trustedProxies })).toBe(expected)
  })

  test.each(['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129', '10.0.0.0/-1', '10.0.0'])(
    'the proxy %j is refused',
    (entry) => {
      expect(() => parseTrustedProxies([entry])).toThrow(
        expect.objectContaining({ code: 'ERR_SETTING_INVALID' }),
      )
    },
  )

  test('an IPv6 subscriber is counted as one /64, an IPv4 one as one address', () => {
    expect(addressBlock('203.0.113.7')).toBe('203.0.113.7')
    expect(addressBlock('2001:db8::1')).toBe(addressBlock('2001:0db8:0:0:ffff::2'))
    expect(addressBlock('2001:db8:0:1::1')).not.toBe(addressBlock('2001:db8::1'))
    expect(addressBlock('::1')).toBe(addressBlock('0:0:0:0:1:2:3:4'))
    expect(addressBlock('1:2:3:4:5:6:7:8')).toBe('1:2:3:4')
    expect(addressBlock('1:2:3:4:5:6:7::')).toBe('1:2:3:4')
  })

  test('a network is an IPv4 /24 or an IPv6 /48', () => {
    expect(networkOf('203.0.113.7')).toBe('203.0.113')
    expect(networkOf('2001:db8::1')).toBe(networkOf('2001:0db8:0:ffff::2'))
    expect(networkOf('2001:db8:1::1')).not.toBe(networkOf('2001:db8::1'))
    expect(networkOf('::1')).toBe('0:0:0')
    expect(networkOf(null)).toBe('')
  })

  test('a user agent without visible characters is none', () => {
    expect(cleanUserAgent(undefined)).toBe(null)
    expect(cleanUserAgent('\u0000\u200b\n')).toBe(null)
    expect(cleanUserAgent('a\u202eb\u0007c')).toBe('abc')
    expect(Array.from(cleanUserAgent('💥'.repeat(300)) ?? '')).toHaveLength(256)
  })
})
