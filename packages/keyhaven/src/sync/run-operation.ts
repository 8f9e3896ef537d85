/**
 * Runs the operations of key sync over one vault one after the other, each with a context of its own.
 */
import { wipe } from '../crypto/bytes.ts'
import { KeyhavenError } from '../errors.ts'
import { DEFAULT_REALM_DEADLINE_MS, checkConfiguration } from '../recovery/configuration.ts'
import type { Configuration } from '../recovery/index.ts'
import { normalizePin, requireNewPin } from '../strength/index.ts'
import type { AccessLogKnowledge } from './transport/access-log-record.ts'
import { DEFAULT_MOST_SEGMENTS, parseAccountId } from './steps/context.ts'
import type { SyncContext } from './steps/context.ts'
import { openDevice } from './device/device.ts'
import type { KeySyncOptions, OperationInput, OptionalPinInput, PinInput } from './key-sync-input.ts'
import { dropStaleVerifier, openAccessLogKnowledge, rememberPin } from './operations.ts'
import { inTurn } from './device/records.ts'
import { bindAccount } from './device/session-record.ts'
import type { KeySyncTransport } from './transport/transport.ts'

export type Run = <T>(input: OperationInput, work: (context: SyncContext) => Promise<T>) => Promise<T>

export type WithPin = <T extends { readonly status: string }>(
  input: PinInput,
  work: (context: SyncContext, pin: Uint8Array) => Promise<T>,
) => Promise<T>

export interface Runners {
  readonly run: Run
  readonly withPin: WithPin
  /** The same with a PIN that must keep the rules for new ones. */
  readonly withNewPin: WithPin
  readonly withOptionalPin: <T extends { readonly status: string }>(
    input: OptionalPinInput,
    work: (context: SyncContext, pin: Uint8Array | undefined) => Promise<T>,
  ) => Promise<T>
}

/** Runs one operation after the other, each with the options that hold when it begins; PINs are wiped after it. */
export function createRunners(relied: { readonly options: KeySyncOptions }): Runners {
  const { vault, transport } = relied.options
  const run: Run = async (input, work) => {
    if (input.signal?.aborted === true) throw new KeyhavenError('ERR_ABORTED', undefined)
    return inTurn(vault, 'sync', async () => work(await createContext(relied.options, input)))
  }
  const withPin: WithPin = async (input, work) => {
    const pin = normalizePin(input.pin)
    try {
      return await run(input, async (context) => {
        const outcome = await work(context, pin)
        await afterPin(context, { pin, right: PIN_WAS_RIGHT.includes(outcome.status), input })
        return outcome
      })
    } finally {
      wipe(pin)
    }
  }
  return {
    run,
    withPin,
    withNewPin: async (input, work) => {
      requireNewPin({ pin: input.pin, phone: transport.phone })
      return withPin(input, work)
    },
    withOptionalPin: ({ pin, ...input }, work) =>
      pin === undefined
        ? run(input, (context) => work(context, undefined))
        : withPin({ pin, ...input }, work),
  }
}

/** The outcomes of a PIN that is the backup's now. */
const PIN_WAS_RIGHT: readonly string[] = ['backed-up', 'restored', 'pin-changed', 'rotated', 'moved']

/** The backup is done by now: a reminder that cannot be kept is none, which `nextPinReminder` tells. */
async function afterPin(
  { vault, argon2id }: SyncContext,
  done: { readonly pin: Uint8Array; readonly right: boolean; readonly input: PinInput },
): Promise<void> {
  try {
    await dropStaleVerifier(vault)
    if (done.right && done.input.rememberPin === true) await rememberPin(vault, done.pin, argon2id)
  } catch (fault) {
    if (!(fault instanceof KeyhavenError)) throw fault
  }
}

/** The same options after a move to other realms. */
export function relyOn(options: KeySyncOptions, configuration: Configuration): KeySyncOptions {
  const former = [options.configuration, ...(options.formerConfigurations ?? [])]
  return { ...options, configuration, formerConfigurations: former }
}

async function createContext(options: KeySyncOptions, input: OperationInput): Promise<SyncContext> {
  const { transport, vault, configuration } = options
  await bindAccount(vault, transport.accountId, transport.level)
  const account = parseAccountId(transport.accountId)
  const device = await openDevice(vault)
  const accessLog = await openAccessLogKnowledge(vault, {
    account,
    device,
    unsigned: transport.accessLogUnsigned,
  })
  return {
    transport: noting(transport, accessLog),
    vault,
    configuration: checkConfiguration(configuration),
    device,
    account,
    accessLog,
    fetch: options.fetch ?? globalThis.fetch,
    argon2id: options.argon2id,
    scrypt: options.scrypt,
    realmDeadlineMs: options.realmDeadlineMs ?? DEFAULT_REALM_DEADLINE_MS,
    formerConfigurations: (options.formerConfigurations ?? []).map(checkConfiguration),
    movingFrom: [],
    rotateAfterDays: options.rotateAfterDays,
    snapshotAfterSegments: options.snapshotAfterSegments ?? DEFAULT_MOST_SEGMENTS,
    signal: input.signal,
    report: (progress) => input.onProgress?.(progress),
  }
}

/** Every look at the pointer also shows how far the access log is. */
function noting(transport: KeySyncTransport, accessLog: AccessLogKnowledge): KeySyncTransport {
  return {
    ...transport,
    readPointer: async (signal) => {
      const state = await transport.readPointer(signal)
      if (state.accessLog !== undefined) accessLog.noteServed(state.accessLog)
      return state
    },
  }
}
