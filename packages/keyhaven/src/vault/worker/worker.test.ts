import { afterEach, describe, expect, it } from 'vitest'
import { randomBytes, toHex, utf8 } from '../../crypto/bytes.ts'
import { verifySchnorr } from '../../crypto/schnorr.ts'
import { combineProtections, memoryStorage, passwordProtection } from '../index.ts'
import type { Protection } from '../index.ts'
import { fixedProtection } from '../testing/fixed-protection.ts'
import { connectVaults, serveVaults } from './index.ts'
import type { VaultWorker } from './index.ts'
import '../testing/no-network.ts'

const ports: MessagePort[] = []
afterEach(() => {
  for (const port of ports.splice(0)) port.close()
})

/** Both sides in one process, over a real message channel, and all that was said in it. */
function connected(): { readonly worker: VaultWorker; readonly said: unknown[] } {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  const said: unknown[] = []
  for (const port of [port1, port2]) {
    port.addEventListener('message', ({ data }: MessageEvent<unknown>) => said.push(structuredClone(data)))
  }
  const storage = memoryStorage()
  serveVaults({ end: port2, storageOf: () => storage })
  const worker = connectVaults(port1)
  port1.start()
  port2.start()
  return { worker, said }
}

function password(text: string): Protection {
  return passwordProtection({ password: text, memoryKib: 19_456, iterations: 2 })
}

describe('a vault in a worker', () => {
  it('has the interface of a vault: create, put, get, list, lock, unlock, protections, destroy', async () => {
    const { worker } = connected()
    const vault = await worker.createVault({ name: 'v', protections: [password('right')] })
    expect(vault.state()).toBe('unlocked')
    await vault.put('r', { type: 't', bytes: utf8('one') })
    await vault.write(new Map([['s', { type: 't', bytes: utf8('two') }]]))
    expect(await vault.get('r')).toEqual({ type: 't', bytes: utf8('one') })
    expect((await vault.list()).map(({ name }) => name)).toEqual(['r', 's'])
    const states: string[] = []
    vault.onStateChange((state) => states.push(state))
    vault.lock()
    expect(vault.state()).toBe('locked')
    await expect(vault.get('r')).rejects.toMatchObject({ code: 'ERR_VAULT_LOCKED' })
    expect(await vault.unlock(password('wrong'))).toEqual({ status: 'wrong-password' })
    expect(await vault.unlock(password('right'))).toEqual({ status: 'unlocked' })
    expect(states).toEqual(['locked', 'unlocked'])
    const id = await vault.addProtection(password('second'))
    expect((await vault.protections()).length).toBe(2)
    const changed = await vault.changeProtection(id, password('third'))
    await vault.removeProtection(changed)
    const again = await worker.openVault({ name: 'v' })
    expect(again.state()).toBe('locked')
    expect(again.id).toEqual(vault.id)
    expect(await worker.describeVault({ name: 'v' })).toMatchObject({ status: 'present' })
    await vault.delete('s')
    await vault.destroy()
    expect(await worker.describeVault({ name: 'v' })).toEqual({ status: 'missing' })
    await expect(worker.openVault({ name: 'v' })).rejects.toMatchObject({ code: 'ERR_VAULT_MISSING' })
  })

  it('uses keys inside: no message carries one but the answer to an explicit get', async () => {
    const { worker, said } = connected()
    const vault = await worker.createVault({ name: 'v', protections: [password('right')] })
    const key = randomBytes(32)
    await vault.put('nostr', { type: 'nostr-secret-key', bytes: key })
    said.length = 0
    const message = randomBytes(32)
    const publicKey = await vault.use('nostr', 'schnorr-public-key', undefined)
    const signature = await vault.use('nostr', 'schnorr-sign', { message })
    expect(verifySchnorr({ publicKey, message, signature })).toBe(true)
    await vault.list()
    await vault.protections()
    vault.lock()
    await vault.unlock(password('right'))
    const holds = (): boolean =>
      said.some((each) =>
        JSON.stringify(each, (_name, value: unknown) =>
          value instanceof Uint8Array ? toHex(value) : value,
        ).includes(toHex(key)),
      )
    expect(said.length).toBeGreaterThan(10)
    expect(holds()).toBe(false)
    await vault.get('nostr')
    expect(holds()).toBe(true)
  })

  it('takes only protections that can be made there, and says so', async () => {
    const { worker } = connected()
    await expect(
      worker.createVault({ name: 'v', protections: [fixedProtection('one')] }),
    ).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    const argon2id = (): Promise<Uint8Array> => Promise.resolve(new Uint8Array(32))
    await expect(
      worker.createVault({ name: 'v', protections: [passwordProtection({ password: 'p', argon2id })] }),
    ).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    const both = combineProtections([password('right')])
    expect((await worker.createVault({ name: 'v', protections: [both] })).state()).toBe('unlocked')
  })

  it('leaves alone what others say on the same port, however it looks', async () => {
    const { worker } = connected()
    const foreign = [
      null,
      1,
      'lock',
      {},
      { id: 1 },
      { kind: 'answer', id: 1, value: { handle: 9 } },
      { kind: 'request', id: 1 },
    ]
    const say = (): void => {
      for (const message of foreign) for (const port of ports) port.postMessage(message)
    }
    say()
    const creating = worker.createVault({ name: 'v', protections: [password('right')] })
    say()
    const vault = await creating
    await vault.put('r', { type: 't', bytes: utf8('one') })
    await expect(
      vault.put('r', { type: 't', bytes: utf8('two') }, { ifMissing: true }),
    ).rejects.toMatchObject({
      code: 'ERR_RECORD_EXISTS',
    })
    say()
    expect((await vault.get('r'))?.bytes).toEqual(utf8('one'))
  })

  it('answers what is no function of a vault, and inputs that are none, with a code', async () => {
    const { worker } = connected()
    const vault = await worker.createVault({ name: 'v', protections: [password('right')] })
    await expect(vault.put('', { type: 't', bytes: utf8('x') })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      details: { field: 'record' },
    })
    await expect(worker.createVault({ name: 'v', protections: [password('p')] })).rejects.toMatchObject({
      code: 'ERR_VAULT_EXISTS',
    })
  })
})
