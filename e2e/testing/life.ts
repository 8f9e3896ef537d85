/**
 * The life of one account, step by step, on the real client and the real server, beside a simple model of it: which PIN
 * is valid, which keys each device and the backup hold, which devices have joined. life-operations.ts holds every
 * operation to the model, life-inspection.ts the backup itself.
 */
import { expect } from 'vitest'
import { randomBytes, sha256, toHex } from 'keyhaven/crypto'
import type { KeySet, ListedKey } from 'keyhaven/sync'
import type { LateRequest } from './faults.ts'
import { NOTHING, after, contradictions, nameOf, narrowed } from './key-bounds.ts'
import type { Bounds } from './key-bounds.ts'
import { removeDevice, signIn } from './life-devices.ts'
import { inspect } from './life-inspection.ts'
import { runBoth, runOne } from './life-operations.ts'
import type { Place, TestPerson } from './people.ts'
import type { Step } from './steps.ts'

export interface Device {
  readonly person: TestPerson
  keys: Bounds
  /** Whether the backup lists this device; a failed operation may leave it open. */
  joined: 'yes' | 'no' | 'maybe'
}

export interface Life {
  readonly place: Place
  readonly devices: Device[]
  /** Has a session and nothing else. */
  readonly inspector: TestPerson
  backup: Bounds
  /** The PINs of which one is valid, `undefined` for no backup: a single one, unless something has just failed. */
  candidates: ReadonlySet<string | undefined>
  /** PINs that would become valid if a request that is late arrived. */
  unsettled: ReadonlySet<string>
  /** PINs that were valid once, or nearly so. */
  past: readonly string[]
  late: LateRequest[]
  /** The highest generation that was seen. */
  generation: number
  /** How many PINs there were. */
  pins: number
  readonly bytesOf: Map<string, Uint8Array>
  /** What happened, a line each: for the message of a failure. */
  readonly story: string[]
  /** How often something happened, by name. */
  readonly tally: Map<string, number>
}

/** A new account with one device that is signed in. */
export async function beginLife(place: Place, tally: Map<string, number>): Promise<Life> {
  place.realmIsDown.clear()
  const person = await place.newDevice()
  return {
    place,
    devices: [{ person, keys: NOTHING, joined: 'no' }],
    inspector: await place.newDevice({ phone: person.phone, label: 'Inspector' }),
    backup: NOTHING,
    candidates: new Set([undefined]),
    unsettled: new Set(),
    past: [],
    late: [],
    generation: 0,
    pins: 0,
    bytesOf: new Map(),
    story: [],
    tally,
  }
}

/** Takes one step. Throws what `expect` throws when life is not as the model. */
export async function takeStep(life: Life, step: Step): Promise<void> {
  count(life, step.does)
  life.story.push(JSON.stringify(step))
  switch (step.does) {
    case 'add':
      return addKey(life, deviceAt(life, step.device), step)
    case 'remove':
      return removeKey(life, deviceAt(life, step.device), step.key)
    case 'bring-back':
      return bringBack(life, deviceAt(life, step.device), step.key)
    case 'run':
      return runOne(life, step.operation)
    case 'run-both':
      return runBoth(life, step.operations)
    case 'sign-in':
      return signIn(life)
    case 'lose-device':
      if (life.devices.length > 1) life.devices.splice(step.device % life.devices.length, 1)
      return
    case 'remove-device':
      return removeDevice(life, deviceAt(life, step.device), deviceAt(life, step.other))
    case 'realm':
      turnRealm(life.place, step)
      return
    case 'arrive':
      return arrive(life, step.first)
    case 'wait':
      life.place.passTime(step.minutes * 60_000)
      return
    case 'inspect':
      return inspect(life)
  }
}

/**
 * The end of a life: all realms are back, what was late has arrived, and every device backs up without a fault. Then all
 * that have joined have the same keys, the backup has them too, and nothing is left under way.
 */
export async function endLife(life: Life): Promise<void> {
  life.place.realmIsDown.clear()
  await arrive(life, 0)
  await takeStep(life, { does: 'wait', minutes: 11 })
  for (const device of [...life.devices.keys(), ...life.devices.keys()]) {
    await runOne(life, { runs: 'backup', device, pin: 'none', fault: undefined })
  }
  await inspect(life)
  const joined = life.devices.filter((device) => device.joined === 'yes')
  const [first, ...others] = await Promise.all(joined.map(({ person }) => person.keys.listKeys()))
  for (const keys of others) expect(keys.map(nameOf)).toEqual(first?.map(nameOf))
  for (const { person } of joined) {
    expect(await (await person.sync()).status()).toMatchObject({ upToDate: true, joined: true })
  }
}

/** Compares the keys on a device with the model, and takes what was seen into it. */
export async function observe(device: Device): Promise<void> {
  compare(device, await device.person.keys.listKeys())
}

function compare(device: Device, seen: readonly ListedKey[]): void {
  expect(contradictions(device.keys, seen)).toEqual([])
  device.keys = narrowed(device.keys, seen)
}

/** Counts that something happened. */
export function count(life: Life, what: string): void {
  life.tally.set(what, (life.tally.get(what) ?? 0) + 1)
}

/** The device of a number, whatever number it is. */
export function deviceAt(life: Life, number: number): Device {
  const device = life.devices[number % life.devices.length]
  if (device === undefined) throw new Error('A life has at least one device.')
  return device
}

function turnRealm(place: Place, { realm, down }: Extract<Step, { readonly does: 'realm' }>): void {
  const ids = place.configuration.realms.map(({ id }) => toHex(id))
  const id = ids[realm % ids.length] ?? ''
  if (down) place.realmIsDown.add(id)
  else place.realmIsDown.delete(id)
}

/** Lets late requests arrive, beginning with another than the first; changes among them may come to be committed. */
async function arrive(life: Life, first: number): Promise<void> {
  const { late } = life
  if (late.length === 0) return
  life.late = []
  const start = first % late.length
  for (const request of [...late.slice(start), ...late.slice(0, start)]) await request()
  life.candidates = new Set([...life.candidates, ...life.unsettled])
  life.unsettled = new Set()
  await inspect(life)
}

const IDENTITIES = ['main', 'signing', 'nostr']

/** A key that nobody had before. The name of an identity takes one key only. */
async function addKey(
  life: Life,
  device: Device,
  step: { readonly name: number; readonly identity: boolean },
): Promise<void> {
  const identity = step.identity && step.name < IDENTITIES.length
  const name = identity ? (IDENTITIES[step.name] ?? '') : `conversation ${String(step.name)}`
  await importKey(life, device, {
    kind: identity ? 'identity' : 'conversation',
    name,
    bytes: randomBytes(32),
  })
}

async function bringBack(life: Life, device: Device, pick: number): Promise<void> {
  const gone = [...life.bytesOf.keys()].filter((name) => (device.keys.most.get(name)?.removed ?? 0) > 0)
  const name = gone[pick % gone.length]
  const bytes = life.bytesOf.get(name ?? '')
  if (name === undefined || bytes === undefined) return
  const [kind, ...words] = name.split(' ')
  await importKey(life, device, {
    kind: kind === 'identity' ? kind : 'conversation',
    name: words.slice(0, -1).join(' '),
    bytes,
  })
}

async function importKey(
  life: Life,
  device: Device,
  key: { readonly kind: 'identity' | 'conversation'; readonly name: string; readonly bytes: Uint8Array },
): Promise<void> {
  const { kind, name, bytes } = key
  const keyId = toHex(sha256(bytes)).slice(0, 16)
  const set: KeySet = { identityKeys: {}, conversationKeys: {}, [`${kind}Keys`]: { [name]: bytes } }
  if (kind === 'identity' && (await hasOtherIdentity(device, { name, keyId }))) {
    await expect(device.person.keys.importKeys(set)).rejects.toMatchObject({ code: 'ERR_IDENTITY_CONFLICT' })
    return
  }
  await device.person.keys.importKeys(set)
  const seen = await device.person.keys.listKeys()
  const listed = seen.find((each) => each.kind === kind && each.name === name && each.keyId === keyId)
  if (listed === undefined) throw new Error('A key that was imported is not listed.')
  life.bytesOf.set(nameOf(listed), bytes)
  device.keys = after(device.keys, new Map([[nameOf(listed), { set: listed.version, removed: 0 }]]))
  compare(device, seen)
}

async function hasOtherIdentity(
  device: Device,
  { name, keyId }: { readonly name: string; readonly keyId: string },
): Promise<boolean> {
  const listed = await device.person.keys.listKeys()
  const same = listed.filter((key) => key.kind === 'identity' && key.name === name)
  return same.length > 0 && !same.some((key) => key.keyId === keyId)
}

async function removeKey(life: Life, device: Device, pick: number): Promise<void> {
  const listed = await device.person.keys.listKeys()
  const key = listed[pick % listed.length]
  if (key === undefined) return
  expect(await device.person.keys.removeKey(key)).toBe(true)
  device.keys = after(device.keys, new Map([[nameOf(key), { set: 0, removed: key.version }]]))
  await observe(device)
  count(life, 'keys removed')
}
