/**
 * Letting a new device into the backup by one that has it open and is at hand: the new one offers, the old one accepts. Both
 * are signed in to the same account. What the server carries lets it learn nothing, and change nothing unseen.
 */
import {
  equalConstantTime,
  loadXWing,
  parseHex,
  randomBytes,
  sha256,
  toHex,
  wipe,
} from '../../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { isInUse } from '../steps/catch-up.ts'
import { rotate } from './change-generation.ts'
import type { SyncContext } from '../steps/context.ts'
import { deriveDeviceWay } from '../device/device.ts'
import {
  LINK_NONCE_LENGTH,
  LINK_SECRET_LENGTH,
  commitToNonce,
  deriveLinkDigits,
  isCommitted,
  openLinkedRoot,
  parseAnswer,
  parseLinkCode,
  parseOffer,
  sealLinkedRoot,
  writeAnswer,
  writeLinkCode,
  writeOffer,
} from '../format/link-messages.ts'
import type { LinkTranscript } from '../format/link-messages.ts'
import { readOpenBackup } from '../steps/open-backup.ts'
import type { WayRestoreOutcome } from '../outcomes.ts'
import { restoreWithSeed } from './restore.ts'
import { isFound, unlessNotFound } from '../transport/not-found.ts'
import type { ServedLink } from '../transport/transport.ts'
import { addWay } from './ways-change.ts'

const POLL_MS = 1000

export type LinkOfferOutcome =
  | WayRestoreOutcome
  /** One of the two people said no, or the other device gave up. Nothing was changed here. */
  | { readonly status: 'refused' }
  /** Nobody answered in time, or another offer took its place. */
  | { readonly status: 'expired' }

export type LinkAcceptOutcome =
  | { readonly status: 'linked'; readonly label: string }
  | { readonly status: 'no-backup' | 'no-offer' | 'refused' | 'expired' }

/** What an offer tells the app. */
export interface LinkOfferInput {
  /** The code to show as a QR code: whoever scans it with a device that has the backup lets this one in. Keep it from others. */
  readonly onCode: (code: string) => void
  /** Shows six digits and asks whether the other device shows the same; only where the code was not scanned. */
  readonly confirm: (digits: string) => Promise<boolean>
  readonly pollMs?: number
}

export interface LinkAcceptInput {
  /** The scanned code; without it the account's open offer is taken, and digits are compared. */
  readonly code?: string
  /** Asks whether to let in the device of this label, its own claim; not scanned, also whether it shows the same six digits. */
  readonly confirm: (digits: string | undefined, label: string) => Promise<boolean>
  readonly pollMs?: number
}

/** Offers this device, waits for another one to let it in, and restores. `ERR_LINK_FORGED` ends it: somebody stands between. */
export async function offerLink(context: SyncContext, input: LinkOfferInput): Promise<LinkOfferOutcome> {
  const { transport, signal, device } = context
  if (!isInUse(await transport.readPointer(signal))) return { status: 'no-backup' }
  const { publicKey } = await deriveDeviceWay(device)
  const id = toHex(randomBytes(16))
  const nonce = randomBytes(LINK_NONCE_LENGTH)
  const secret = randomBytes(LINK_SECRET_LENGTH)
  const commitment = commitToNonce(nonce, publicKey)
  const offer = writeOffer({ device: device.id, label: device.label, publicKey, commitment })
  await transport.offerLink({ id, message: offer }, signal)
  input.onCode(writeLinkCode({ id, keyHash: sha256(publicKey), secret }))
  return closing(context, id, async () => {
    const answer = await waitFor(context, { id, index: 1, pollMs: input.pollMs })
    if (answer === undefined) return { status: 'expired' }
    const { mode, ciphertext } = parseAnswer(answer)
    await transport.addLinkMessage({ id, index: 2, message: nonce }, signal)
    const transcript = transcriptOf(context, { id, offer, answer, reveal: nonce })
    const compared = mode === 'compared'
    if (compared && !(await input.confirm(deriveLinkDigits(transcript)))) return { status: 'refused' }
    const sealed = await waitFor(context, { id, index: 3, pollMs: input.pollMs })
    if (sealed === undefined) return { status: 'refused' }
    const { decapsulate } = await loadXWing()
    const sharedSecret = decapsulate({ ciphertext, seed: device.waySeed })
    const secrets = { sharedSecret, secret: compared ? undefined : secret }
    const { generation, root } = await openLinkedRoot(transcript, secrets, sealed).finally(() => {
      wipe(sharedSecret)
    })
    return restoreWithSeed(context, device.waySeed, { generation, root })
  })
}

/** Lets the device in that offers itself. `ERR_LINK_FORGED` ends it: what was offered is not what the code or the digits say. */
export async function acceptLink(context: SyncContext, input: LinkAcceptInput): Promise<LinkAcceptOutcome> {
  const { pointer, state } = await readOpenBackup(context)
  if (pointer === undefined) return { status: 'no-backup' }
  if (state === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
  const code = input.code === undefined ? undefined : parseLinkCode(input.code)
  const link = await readLink(context)
  const [message] = link?.messages ?? []
  if (link === undefined || message === undefined || link.messages.length > 1) return { status: 'no-offer' }
  if (code !== undefined && code.id !== link.id) return { status: 'no-offer' }
  return closing(context, link.id, async () => {
    const offer = parseOffer(message)
    if (code !== undefined && !equalConstantTime(code.keyHash, sha256(offer.publicKey))) throw forged()
    return answerOffer(context, { ...input, id: link.id, message, secret: code?.secret })
  })
}

async function answerOffer(
  context: SyncContext,
  input: LinkAcceptInput & {
    readonly id: string
    readonly message: Uint8Array
    readonly secret: Uint8Array | undefined
  },
): Promise<LinkAcceptOutcome> {
  const { transport, signal } = context
  const { id, message, secret, pollMs } = input
  const offer = parseOffer(message)
  const { ciphertext, sharedSecret } = await encapsulateTo(offer.publicKey)
  try {
    const mode = secret === undefined ? 'compared' : 'scanned'
    const answer = writeAnswer({ mode, ciphertext, nonce: randomBytes(LINK_NONCE_LENGTH) })
    await transport.addLinkMessage({ id, index: 1, message: answer }, signal)
    const reveal = await waitFor(context, { id, index: 2, pollMs })
    if (reveal === undefined) return { status: 'expired' }
    if (!isCommitted(offer, reveal)) throw forged()
    const transcript = transcriptOf(context, { id, offer: message, answer, reveal })
    const digits = secret === undefined ? deriveLinkDigits(transcript) : undefined
    if (!(await input.confirm(digits, offer.label))) return { status: 'refused' }
    const { publicKey, label } = offer
    const way = { type: 'device', label, publicKey, device: toHex(offer.device) }
    const added = await addWay(context, way)
    if (added === undefined) return { status: 'no-backup' }
    const sealed = await sealLinkedRoot(transcript, { sharedSecret, secret }, added.state)
    // The mailbox was closed meanwhile: the new device's person said no.
    if (await isFound(transport.addLinkMessage({ id, index: 3, message: sealed }, signal)))
      return { status: 'linked', label }
    await rotate(context, undefined, new Set([added.id]))
    return { status: 'refused' }
  } finally {
    wipe(sharedSecret)
  }
}

/** A key that is none was put there by somebody else. */
async function encapsulateTo(
  publicKey: Uint8Array,
): Promise<{ readonly ciphertext: Uint8Array; readonly sharedSecret: Uint8Array }> {
  const { encapsulate } = await loadXWing()
  try {
    return encapsulate(publicKey)
  } catch {
    throw forged()
  }
}

/** One try: whatever went wrong, and a no, closes the mailbox. What went well is left for the other side to read. */
async function closing<T extends { readonly status: string }>(
  context: SyncContext,
  id: string,
  work: () => Promise<T>,
): Promise<T> {
  let status = ''
  try {
    const outcome = await work()
    ;({ status } = outcome)
    return outcome
  } finally {
    if (status !== 'linked') {
      // The caller's signal may be what ended it.
      await context.transport.closeLink(id).catch((fault: unknown) => {
        if (!isKeyhavenError(fault)) throw fault
      })
    }
  }
}

/** Asks until the message is there; `undefined` when the mailbox is gone, or another one is in its place. */
async function waitFor(
  context: SyncContext,
  awaited: { readonly id: string; readonly index: number; readonly pollMs: number | undefined },
): Promise<Uint8Array | undefined> {
  for (;;) {
    const link = await readLink(context)
    if (link?.id !== awaited.id) return undefined
    const message = link.messages[awaited.index]
    if (message !== undefined) return message
    await pause(awaited.pollMs ?? POLL_MS, context.signal)
  }
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(new KeyhavenError('ERR_ABORTED', undefined))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted === true) stop()
  })
}

async function readLink({ transport, signal }: SyncContext): Promise<ServedLink | undefined> {
  return transport.readLink(signal).catch(unlessNotFound)
}

function transcriptOf(
  { account }: SyncContext,
  { id, ...messages }: Omit<LinkTranscript, 'account' | 'id'> & { readonly id: string },
): LinkTranscript {
  return { account, id: parseHex(id, 'id', 16), ...messages }
}

function forged(): KeyhavenError {
  return new KeyhavenError('ERR_LINK_FORGED', undefined)
}
