import { describe, expect, it } from 'vitest'
import { toHex } from '../crypto/text.ts'
import { isKeyhavenError } from '../errors.ts'
import { checkConfiguration, parseConfiguration, serializeConfiguration } from './configuration.ts'
import { recover } from './recover.ts'

const ids = ['03', '01', '02'].map((byte) => byte.repeat(16))
const good = {
  realms: ids.map((id) => ({ id, address: `https://realm.example/${id}/` })),
  register_threshold: 3,
  recover_threshold: 2,
  pin_hashing_mode: 'Standard2019',
}

function codeOf(value: unknown, options?: { readonly insecureForTests?: boolean }): string | undefined {
  try {
    parseConfiguration(value, options)
    return undefined
  } catch (error) {
    return isKeyhavenError(error) ? error.code : 'a foreign error'
  }
}

function withAddress(address: string): unknown {
  return { ...good, realms: [{ id: ids[0], address }], register_threshold: 1, recover_threshold: 1 }
}

describe('a configuration', () => {
  it('of the Juicebox SDK’s shape is read, its realms sorted by id, and written again', () => {
    const configuration = parseConfiguration(good)
    expect(configuration.realms.map(({ id }) => toHex(id))).toEqual([...ids].sort())
    const written = serializeConfiguration(configuration)
    expect(written).toEqual({ ...good, realms: [good.realms[1], good.realms[2], good.realms[0]] })
    expect(parseConfiguration(JSON.parse(JSON.stringify(written)))).toEqual(configuration)
  })

  it.each([
    ['nothing', undefined],
    ['a list', []],
    ['no realms', { ...good, realms: [] }],
    ['realms that are no list', { ...good, realms: {} }],
    ['256 realms', { ...good, realms: Array.from({ length: 256 }, () => good.realms[0]) }],
    ['two realms with one id', { ...good, realms: [good.realms[0], good.realms[1], good.realms[0]] }],
    [
      'two realms with one id in other case',
      {
        ...good,
        realms: ['ab', 'AB', 'cd'].map((byte) => ({
          id: byte.repeat(16),
          address: 'https://realm.example/',
        })),
      },
    ],
    ['a recover threshold of zero', { ...good, recover_threshold: 0 }],
    [
      'a recover threshold of half',
      { ...good, realms: good.realms.slice(0, 2), register_threshold: 2, recover_threshold: 1 },
    ],
    [
      'a recover threshold above the register threshold',
      { ...good, register_threshold: 2, recover_threshold: 3 },
    ],
    ['a register threshold above the number of realms', { ...good, register_threshold: 4 }],
    ['a threshold that is no integer', { ...good, recover_threshold: 2.5 }],
    ['a threshold that is text', { ...good, recover_threshold: '2' }],
    ['an unknown PIN hash', { ...good, pin_hashing_mode: 'None' }],
    ['the insecure PIN hash', { ...good, pin_hashing_mode: 'FastInsecure' }],
    ['an id that is too short', { ...good, realms: [{ id: 'ab', address: 'https://realm.example/' }] }],
    ['an address that is none', withAddress('realm')],
    ['an address that does not end in a slash', withAddress('https://realm.example/realm')],
    ['an address with a query', withAddress('https://realm.example/?a=/')],
    ['an address with credentials', withAddress('https://me:pw@realm.example/')],
  ])('with %s is refused', (_, value) => {
    expect(codeOf(value)).toBe('ERR_CONFIGURATION_INVALID')
  })

  it.each(['http://realm.example/', 'ftp://realm.example/', 'http://127.0.0.1.example/', 'http://10.0.0.1/'])(
    'with the address %s is refused as insecure',
    (address) => {
      expect(codeOf(withAddress(address))).toBe('ERR_INSECURE_TRANSPORT')
    },
  )

  it.each(['https://realm.example', 'http://127.0.0.1:8787/realm/', 'http://localhost/', 'http://[::1]:1/'])(
    'may have the address %s',
    (address) => {
      expect(codeOf(withAddress(address))).toBeUndefined()
    },
  )

  it('with a hardware realm is refused by name', () => {
    const realm = { ...good.realms[0], public_key: '01'.repeat(32) }
    expect(codeOf({ ...good, realms: [realm] })).toBe('ERR_REALM_UNSUPPORTED')
  })

  it('may have the insecure PIN hash only for tests, also when it was not parsed', async () => {
    const insecure = { ...good, pin_hashing_mode: 'FastInsecure' }
    expect(codeOf(insecure, { insecureForTests: true })).toBeUndefined()
    const configuration = { ...parseConfiguration(good), pinHashingMode: 'FastInsecure' as const }
    expect(() => checkConfiguration(configuration)).toThrow('The realm configuration is not valid.')
    let calls = 0
    const transport = (): never => {
      calls += 1
      throw new Error('not reached')
    }
    const attempt = recover({ configuration, transport, pin: new Uint8Array(6), userInfo: new Uint8Array() })
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_CONFIGURATION_INVALID' })
    expect(calls).toBe(0)
  })
})
