/**
 * The keys of a hundred thousand conversations opened into one buffer with an index, beside the bare AES-GCM for those
 * bytes and beside QryptChat's way: JSON of base64 keys in one AES-GCM blob. Interleaved; medians and quartiles. And
 * what keys take in a snapshot.
 */
import { createConversationIndex } from '../packages/keyhaven/dist/sync/device/conversation-index.js'
import { sealChain } from '../packages/keyhaven/dist/sync/steps/compose.js'
import { identityBodies, conversationBodies } from '../packages/keyhaven/dist/sync/format/key-bodies.js'
import { arrangeSegments, EMPTY_LOG } from '../packages/keyhaven/dist/sync/steps/log.js'
import { readLog } from '../packages/keyhaven/dist/sync/steps/read-log.js'
import { parseSegment } from '../packages/keyhaven/dist/sync/format/segment.js'
import { openQryptChatBlob, sealQryptChatBlob } from './peers/qryptchat.mjs'
import { printTable, race, show } from './peers/race.mjs'

const context = {
  account: new Uint8Array(16).fill(1),
  device: { id: new Uint8Array(16).fill(2) },
  accessLog: { newest: () => ({ sequence: 1000, hash: new Uint8Array(32).fill(3) }) },
}
const root = crypto.getRandomValues(new Uint8Array(32))
const makeKeys = (count) =>
  Array.from({ length: count }, () => ({
    name: crypto.randomUUID(),
    key: crypto.getRandomValues(new Uint8Array(32)),
    version: 1,
  }))

/** The segments that a snapshot of these keys has. */
async function sealSnapshot(conversationKeys, identityKeys = []) {
  const bodies = [
    ...identityBodies({ set: identityKeys, removed: [] }).map((body) => ({ kind: 'identity', body })),
    ...conversationBodies({ set: conversationKeys, removed: [] }).map((body) => ({
      kind: 'conversation',
      body,
    })),
  ]
  return sealChain(context, { bodies, root, generation: 1, heads: [], sequence: 0 })
}

/** As a restore does: from served bytes to keys that can be asked for. */
async function openOurs(served) {
  const segments = served.map(parseSegment)
  const arranged = arrangeSegments({
    account: context.account,
    generation: 1,
    known: EMPTY_LOG,
    served: segments,
  })
  return createConversationIndex(...(await readLog({ arranged, root })).changes.conversation)
}

const sizeOf = (segments) => segments.reduce((sum, { bytes }) => sum + bytes.length, 0)
const rows = []
const row = (...cells) => rows.push(cells)

const keys = makeKeys(100_000)
const segments = await sealSnapshot(keys)
const served = segments.map(({ bytes }) => bytes)
const blob = await sealQryptChatBlob(keys)
const bareKey = await crypto.subtle.importKey('raw', root, 'AES-GCM', false, ['encrypt', 'decrypt'])
const iv = new Uint8Array(12)
const bare = await Promise.all(
  segments.map(
    async ({ ciphertext }) =>
      new Uint8Array(
        await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, bareKey, ciphertext.subarray(0, -16)),
      ),
  ),
)
const [ours, aes, theirs] = await race(
  21,
  () => openOurs(served),
  async () => {
    for (const bytes of bare) await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, bareKey, bytes)
  },
  () => openQryptChatBlob(blob),
)
const overAes = ours.median / aes.median
const faster = theirs.median / ours.median
row(
  '100,000 keys verified, opened, indexed',
  show(ours),
  `bare AES-GCM ${show(aes)}`,
  `${overAes.toFixed(1)} times`,
  '≤ 10 times',
  overAes <= 10,
)
row(
  '… beside QryptChat’s blob',
  show(ours),
  `QryptChat ${show(theirs)}`,
  `${faster.toFixed(1)} times faster`,
  '≥ 5 times',
  faster >= 5,
)

const found = await openOurs(served)
if (found.countNames() !== 100_000) throw new Error('The index does not have all keys.')

const thousand = makeKeys(1000)
const perKey = sizeOf(await sealSnapshot(thousand)) / 1000
const theirsPerKey = (await sealQryptChatBlob(thousand)).length / 1000
row(
  'bytes stored per key, snapshot of 1,000',
  perKey.toFixed(1),
  `QryptChat ${theirsPerKey.toFixed(1)}`,
  '',
  '≤ 60',
  perKey <= 60,
)
const perKeyOfMany = sizeOf(segments) / keys.length
row(
  '… of 100,000',
  perKeyOfMany.toFixed(1),
  `QryptChat ${(blob.length / keys.length).toFixed(1)}`,
  '',
  '≤ 60',
  perKeyOfMany <= 60,
)

/** A hybrid identity is three seeds (keyhaven/identity). */
const identity = ['x-wing', 'ed25519', 'ml-dsa-65'].map((name) => ({
  name,
  key: crypto.getRandomValues(new Uint8Array(32)),
  version: 1,
}))
const small = sizeOf(await sealSnapshot(makeKeys(100), identity))
row(
  'a hybrid identity and 100 conversations, bytes of their segments',
  String(small),
  '',
  '',
  '< 10,000',
  small < 10_000,
)

process.exitCode = printTable(rows) ? 0 : 1
