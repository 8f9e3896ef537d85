import { beforeAll, describe, expect, test } from 'vitest'
import { toHex } from 'keyhaven/crypto'
import { httpTransport, openSession } from 'keyhaven/sync'
import { readState } from '../packages/keyhaven/src/sync/device/backup-state.ts'
import { openSegment, parseSegment, sealSegment } from '../packages/keyhaven/src/sync/format/segment.ts'
import { lying } from './testing/liars.ts'
import type { Frame, Lie } from './testing/liars.ts'
import { PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place

beforeAll(async () => {
  place = await openPlace()
})

describe('a server that shows another history of a device', () => {
  test('beside the true one is found out by a device that has joined and by one that restores', async () => {
    const { first, second, other, fresh } = await branched()
    const both: Lie = {
      frames: (frames) => frames.flatMap((frame) => [frame, ...other(frame)]),
      json: { '/v1/log/heads': (heads) => withHead(heads, other.id) },
    }
    for (const call of [
      async () => (await first.sync(lying(both))).backup(),
      async () => (await fresh.sync(lying(both))).restore({ pin: PIN }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'ERR_LOG_FORKED' })
    }
    expect(await fresh.keys.listKeys()).toEqual([])
    await expectBack(first, second)
  })

  test('in place of the true one is found out by whoever has seen one of them', async () => {
    const { first, second, other } = await branched()
    const instead: Lie = {
      frames: (frames) =>
        frames.map((frame) => ({ ...frame, segment: other(frame)[0]?.segment ?? frame.segment })),
      json: { '/v1/log/heads': (heads) => ({ ...heads, heads: [other.id] }) },
    }
    await expect((await second.sync(lying(instead))).sync()).rejects.toMatchObject({ code: 'ERR_LOG_FORKED' })
    expect(await (await first.sync(lying(instead))).sync()).toMatchObject({
      status: 'synced',
      received: true,
    })
    // What it saw is not there any more.
    await expect((await first.sync()).sync()).rejects.toMatchObject({ code: 'ERR_LOG_ROLLED_BACK' })
  })
})

describe('a server that serves what does not belong there', () => {
  test("and puts a segment of another account's log in the place of its own is refused", async () => {
    const { first, second } = await behind(1)
    const foreign = (await framesOf((await behind(0)).first)).at(-1)
    const lie: Lie = {
      frames: (frames) => frames.map((frame) => ({ ...frame, segment: foreign?.segment ?? frame.segment })),
    }
    await expect((await first.sync(lying(lie))).backup()).rejects.toMatchObject({ code: 'ERR_LOG_DAMAGED' })
    await expectBack(first, second)
  })

  test('and withholds the parent of what it serves is refused, from the cursor and from the beginning', async () => {
    const { first, second } = await behind(2)
    const [withheld] = (await framesOf(second)).slice(-2)
    const hides: Lie = {
      frames: (frames) => frames.filter(({ cursor }) => cursor !== withheld?.cursor),
    }
    const fresh = await place.newDevice({ phone: first.phone })
    for (const call of [
      async () => (await first.sync(lying(hides))).backup(),
      async () => (await fresh.sync(lying(hides))).restore({ pin: PIN }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'ERR_LOG_INCOMPLETE' })
    }
    // A device that knows all of it already asks for none of it.
    expect(await (await second.sync(lying(hides))).backup()).toMatchObject({
      status: 'backed-up',
      uploaded: 0,
    })
    await expectBack(first, second)
  })
})

/** Two devices, of which the second has added this many segments that the first has not seen. */
async function behind(
  segments: number,
): Promise<{ readonly first: TestPerson; readonly second: TestPerson }> {
  const first = await place.newDevice()
  await first.keys.importKeys(makeKeys(2))
  await (await first.sync()).backup({ pin: PIN })
  const fresh = await place.newDevice({ phone: first.phone })
  await (await fresh.sync()).restore({ pin: PIN })
  await (await first.sync()).sync()
  for (let added = 0; added < segments; added += 1) {
    await fresh.keys.importKeys(makeConversations(1))
    expect(await (await fresh.sync()).backup()).toMatchObject({ uploaded: 1 })
  }
  return { first, second: fresh }
}

/** The same, and what a copy of the second device's vault would have sent in the place of its newest segment. */
async function branched(): Promise<{
  readonly first: TestPerson
  readonly second: TestPerson
  readonly fresh: TestPerson
  readonly other: ((frame: Frame) => readonly Frame[]) & { readonly id: string }
}> {
  const { first, second } = await behind(1)
  const newest = (await framesOf(second)).at(-1)
  const root = (await readState(second.vault))?.root
  if (newest === undefined || root === undefined) throw new Error('There is no backup.')
  const header = parseSegment(newest.segment)
  const forged = await sealSegment({ header, content: await openSegment(header, root), root })
  const other = ({ cursor }: Frame): readonly Frame[] =>
    cursor === newest.cursor ? [{ cursor: cursor + 1, segment: forged.bytes }] : []
  const fresh = await place.newDevice({ phone: first.phone })
  return { first, second, fresh, other: Object.assign(other, { id: toHex(forged.id) }) }
}

function withHead(heads: Record<string, unknown>, id: string): Record<string, unknown> {
  return {
    ...heads,
    heads: [...(heads['heads'] as string[]), id].sort(),
    cursor: Number(heads['cursor']) + 1,
  }
}

/** The segments of a person's log as they are served. */
async function framesOf(device: TestPerson): Promise<readonly Frame[]> {
  const session = await openSession({ vault: device.vault })
  if (session === undefined) throw new Error('The test device is not signed in.')
  const { frames } = await httpTransport({ session }).readSegments(0)
  return frames.map(({ cursor, bytes }) => ({ cursor, segment: bytes }))
}

/** Nothing that was refused has done harm: with the honest server both have the same keys. */
async function expectBack(first: TestPerson, second: TestPerson): Promise<void> {
  expect(await (await first.sync()).backup()).toMatchObject({ status: 'backed-up' })
  expect(await first.keys.exportKeys()).toEqual(await second.keys.exportKeys())
}
