/**
 * A new generation of the backup under a new root key: the whole state sealed again, a snapshot that says what it
 * covers, and last the ways in, to each of which the new root key is sealed. The first backup is one that covers nothing.
 */
import { loadXWing, randomBytes, sha256, toHex, wipe } from '../../crypto/index.ts'
import { MOST_FORMER_AUTHORITIES } from '../format/authority.ts'
import type { Authorities } from '../format/authority.ts'
import type { BackupState } from '../device/backup-state.ts'
import { carryOut } from './change-pointer.ts'
import type { CarriedOut, Change } from './change-pointer.ts'
import type { SyncContext } from './context.ts'
import { deriveDeviceWay } from '../device/device.ts'
import { prepareAuthoritySeed } from '../device/first-authority.ts'
import type { OutgoingSlot } from '../device/outbox.ts'
import { sealPreviousRoot } from '../format/previous-root.ts'
import { deriveWayId, sealSlot } from '../format/slot.ts'
import type { PointerState } from '../transport/transport.ts'
import type { Way } from '../format/ways.ts'
import { sealWholeState } from './whole-state.ts'

export interface NewGeneration {
  readonly pointer: PointerState
  /** The new PIN, normalised; without one the PIN's way in and its registration stay, so there must be one. */
  readonly pin: Uint8Array | undefined
  /** True when that PIN takes the place of another one; else it is the same, which was checked. */
  readonly newPin?: true | undefined
  /** What is replaced, up to the log's heads; none for a first backup. */
  readonly replaced: BackupState | undefined
  /** Ids of ways in that the new root key is not sealed to any more; with it, the authority is handed on to a new key. */
  readonly without?: ReadonlySet<string>
}

/** Makes a generation of every key on this device and moves the pointer to it. */
export async function startGeneration(context: SyncContext, input: NewGeneration): Promise<CarriedOut> {
  const { pin, pointer } = input
  const waySeed = randomBytes(32)
  try {
    return await carryOut(context, {
      ...(await makeGeneration(context, input, waySeed)),
      expectedEtag: pointer.etag,
      serial: (pointer.pointer?.serial ?? 0) + 1,
      registering: pin === undefined ? undefined : { pin, waySeed },
      newPin: input.newPin,
    })
  } finally {
    wipe(waySeed)
  }
}

async function makeGeneration(
  context: SyncContext,
  input: NewGeneration,
  waySeed: Uint8Array,
): Promise<Omit<Change, 'expectedEtag' | 'serial' | 'registering'>> {
  const { replaced, pointer } = input
  const generation = (replaced?.generation ?? pointer.removed?.generation ?? 0) + 1
  const root = randomBytes(32)
  const authoritySeed = replaced?.authoritySeed ?? (await prepareAuthoritySeed(context.vault))
  const newAuthoritySeed = input.without && randomBytes(32)
  const known = { authoritySeed, formerAuthorities: replaced?.formerAuthorities ?? [] }
  const authorities = newAuthoritySeed === undefined ? known : handOn(known, newAuthoritySeed)
  const { deriveXWingPublicKey } = await loadXWing()
  const newPinKey = input.pin === undefined ? undefined : deriveXWingPublicKey(waySeed)
  const sealed = await sealWays(context, { generation, root, newPinKey, replaced, without: input.without })
  const ways = sealed.map(({ way }) => way)
  const { segments, pending } = await sealWholeState(context, {
    generation,
    root,
    ways,
    authorities,
    covered: replaced,
  })
  const slots = sealed.map(({ slot }) => slot)
  const kept = input.pin === undefined ? pointer.pointer?.registration : undefined
  const registration = kept ?? toHex(randomBytes(16))
  return {
    outbox: { generation, root, segments, slots, pending, registration },
    authoritySeed,
    ...(newAuthoritySeed && { newAuthoritySeed }),
    anchor: segments.at(-1)?.id ?? new Uint8Array(32),
    expectedHeads: replaced?.heads ?? [],
    ...(replaced !== undefined && {
      previousRoot: await sealPreviousRoot(
        { account: context.account, generation: replaced.generation, nextRoot: root },
        replaced.root,
      ),
    }),
  }
}

/** A device that is removed knew the key: a new one takes its place. */
function handOn({ authoritySeed, formerAuthorities }: Authorities, seed: Uint8Array): Authorities {
  const former = [authoritySeed, ...formerAuthorities].slice(0, MOST_FORMER_AUTHORITIES)
  return { authoritySeed: seed, formerAuthorities: former }
}

interface SealedWay {
  readonly way: Way
  readonly slot: OutgoingSlot
}

/** This device's way and every other one that was listed, the PIN's being replaced where there is a new PIN. */
async function sealWays(
  context: SyncContext,
  input: {
    readonly generation: number
    readonly root: Uint8Array
    readonly newPinKey: Uint8Array | undefined
    readonly replaced: BackupState | undefined
    readonly without: ReadonlySet<string> | undefined
  },
): Promise<readonly SealedWay[]> {
  const { newPinKey, without } = input
  const listed = input.replaced?.ways ?? []
  const device = await deriveDeviceWay(context.device)
  const pinWay = (publicKey: Uint8Array): Omit<Way, 'slotHash'> => ({
    id: toHex(deriveWayId(publicKey)),
    type: 'pin',
    label: 'PIN',
    publicKey,
  })
  const stays = ({ type, id }: Way): boolean =>
    (type !== 'pin' || newPinKey === undefined) && id !== device.id
  const label = listed.find(({ id }) => id === device.id)?.label ?? context.device.label
  const ways: readonly Omit<Way, 'slotHash'>[] = [
    ...(newPinKey === undefined ? [] : [pinWay(newPinKey)]),
    { id: device.id, type: 'device', label, device: toHex(context.device.id), publicKey: device.publicKey },
    ...listed.filter(stays),
  ]
  const sealed: SealedWay[] = []
  for (const way of ways.filter(({ id }) => without?.has(id) !== true)) {
    const { account } = context
    const slot = await sealSlot({
      account,
      generation: input.generation,
      root: input.root,
      publicKey: way.publicKey,
    })
    sealed.push({ way: { ...way, slotHash: sha256(slot) }, slot: { wayId: way.id, slot } })
  }
  return sealed
}
