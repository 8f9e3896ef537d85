/**
 * Runs operations of a life and holds them to its model: what each may come to, what it may throw, and what is known
 * afterwards.
 */
import { KeyhavenError } from 'keyhaven'
import type { BackupOutcome, ChangeOutcome, KeySync, OperationInput, RestoreOutcome } from 'keyhaven/sync'
import { faultyDevice } from './faults.ts'
import type { FaultyDevice } from './faults.ts'
import { merged } from './key-bounds.ts'
import { requireExplained } from './life-expectations.ts'
import { inspect } from './life-inspection.ts'
import { count, deviceAt, observe } from './life.ts'
import type { Device, Life } from './life.ts'
import type { OperationKind, OperationStep } from './steps.ts'

export type Outcome = BackupOutcome | ChangeOutcome | RestoreOutcome

export interface Run {
  readonly step: OperationStep
  readonly device: Device
  readonly pin: string | undefined
  readonly faulty: FaultyDevice
  readonly result:
    | { readonly outcome: Outcome; readonly fault?: never }
    | { readonly outcome?: never; readonly fault: unknown }
}

/** One operation, and what the model says of it. */
export async function runOne(life: Life, step: OperationStep): Promise<void> {
  const run = await perform(life, step, deviceAt(life, step.device))
  await conclude(life, [run])
}

/** Two operations at the same time, on different devices where there are two. */
export async function runBoth(life: Life, steps: readonly [OperationStep, OperationStep]): Promise<void> {
  const [first, second] = steps
  const one = deviceAt(life, first.device)
  const other = deviceAt(life, second.device)
  const next = one === other ? deviceAt(life, second.device + 1) : other
  await conclude(life, await Promise.all([perform(life, first, one), perform(life, second, next)]))
}

async function perform(life: Life, step: OperationStep, device: Device): Promise<Run> {
  count(life, step.fault === undefined ? step.runs : `${step.runs} with a fault`)
  const faulty = faultyDevice({
    vault: device.person.vault,
    network: life.place.network,
    fault: step.fault,
    late: life.late,
  })
  const pin = choosePin(life, step)
  const input = { signal: faulty.signal, ...(pin !== undefined && { pin }) }
  const result = await settled(async () => OPERATIONS[step.runs](await device.person.sync(faulty), input))
  await faulty.idle()
  const ended =
    result.outcome ??
    (result.fault instanceof KeyhavenError ? [result.fault.code, result.fault.details] : result.fault)
  life.story.push(
    `  ${step.runs} on ${device.person.deviceId.slice(0, 4)} with ${String(pin)}: ${JSON.stringify(ended)}, after ${faulty.asked.join(' ')}`,
  )
  return { step, device, pin, faulty, result }
}

const OPERATIONS: Readonly<
  Record<
    OperationKind,
    (sync: KeySync, input: OperationInput & { readonly pin?: string }) => Promise<Outcome>
  >
> = {
  backup: (sync, input) => sync.backup(input),
  restore: (sync, { pin = '', ...input }) => sync.restore({ pin, ...input }),
  'change-pin': (sync, { pin = '', ...input }) => sync.changePin({ pin, ...input }),
  rotate: (sync, { signal }) => sync.rotate(signal === undefined ? {} : { signal }),
  replace: (sync, { pin = '', ...input }) => sync.replaceBackup({ pin, ...input }),
}

async function settled(work: () => Promise<Outcome>): Promise<Run['result']> {
  try {
    return { outcome: await work() }
  } catch (fault) {
    return { fault }
  }
}

/** What the person types: the valid PIN, one of the past, or for a change a new one. */
function choosePin(life: Life, step: OperationStep): string | undefined {
  if (step.runs === 'rotate') return undefined
  if (step.runs === 'change-pin' || step.runs === 'replace') return newPin(life)
  if (step.runs === 'backup' && step.pin === 'none') return undefined
  const [valid] = life.candidates
  if (step.pin === 'old') return life.past.at(-1) ?? newPin(life)
  return valid ?? newPin(life)
}

/** A PIN that nobody had in this life, and that the policy allows. */
function newPin(life: Life): string {
  life.pins += 1
  return `walnut ${String(life.pins)} harbour`
}

/** Takes what operations came to into the model, and holds them to it. */
async function conclude(life: Life, runs: readonly Run[]): Promise<void> {
  for (const run of runs) await requireExplained(life, run, runs)
  await takeKeys(
    life,
    runs.map((run) => ({ device: run.device, brought: hasBrought(run), sent: hasSent(run) })),
  )
  takePins(life, runs)
  for (const run of runs) run.device.joined = joinedAfter(run)
  const failed = runs.some(({ result, step }) => result.outcome === undefined && step.runs !== 'backup')
  if (life.candidates.size > 1 || failed) await inspect(life)
}

const BROUGHT = ['backed-up', 'restored', 'pin-changed', 'rotated']

function hasBrought({ result }: Run): boolean {
  return result.outcome !== undefined && BROUGHT.includes(result.outcome.status)
}

function hasSent({ result: { outcome } }: Run): boolean {
  if (outcome === undefined || !BROUGHT.includes(outcome.status)) return false
  return outcome.status !== 'restored' || outcome.deviceAdded
}

/** What a device had when it was done, the backup has; what the backup had when it began, the device has. */
export async function takeKeys(
  life: Life,
  works: readonly { readonly device: Device; readonly brought: boolean; readonly sent: boolean }[],
): Promise<void> {
  const { least } = life.backup
  const most = works.reduce((all, { device }) => merged(all, device.keys.most), life.backup.most)
  life.backup = { least, most }
  for (const { device, brought, sent } of works) {
    device.keys = {
      least: brought ? merged(device.keys.least, least) : device.keys.least,
      most: merged(device.keys.most, most),
    }
    await observe(device)
    if (sent) life.backup = { least: merged(life.backup.least, device.keys.least), most }
  }
}

/** True when this run makes its PIN the valid one, if it succeeds. */
export function setsPin(life: Life, { step }: Pick<Run, 'step'>): boolean {
  return (
    ['change-pin', 'replace'].includes(step.runs) ||
    (step.runs === 'backup' && life.candidates.has(undefined))
  )
}

/** The PIN of the newest generation is the valid one; one of an operation that failed may be it instead. */
function takePins(life: Life, runs: readonly Run[]): void {
  const setting = runs.filter((run) => run.pin !== undefined && setsPin(life, run))
  const failed = setting.flatMap(({ pin, result }) => (result.outcome === undefined ? [pin] : []))
  const set = setting
    .flatMap(({ pin, result: { outcome } }) =>
      pin !== undefined && outcome !== undefined && isChange(outcome)
        ? [{ pin, generation: outcome.generation }]
        : [],
    )
    .sort((left, right) => left.generation - right.generation)
    .at(-1)
  const before = set === undefined ? [...life.candidates] : [set.pin]
  const known = [...life.candidates, ...setting.map(({ pin }) => pin)]
  life.candidates = new Set([...before, ...failed])
  const past = known.filter((pin): pin is string => pin !== undefined && !life.candidates.has(pin))
  life.past = [...new Set([...life.past, ...past])]
  for (const { result } of runs)
    if (result.outcome !== undefined && 'generation' in result.outcome) {
      life.generation = Math.max(life.generation, result.outcome.generation)
    }
}

function isChange(outcome: Outcome): outcome is Extract<Outcome, { readonly generation: number }> {
  return outcome.status === 'backed-up' || outcome.status === 'pin-changed'
}

function joinedAfter(run: Run): Device['joined'] {
  const { device, result } = run
  if (hasSent(run)) return 'yes'
  const open = result.outcome === undefined || result.outcome.status === 'restored'
  return device.joined === 'no' && open ? 'maybe' : device.joined
}
