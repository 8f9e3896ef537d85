/**
 * What the model of a life lets an operation come to: its outcomes, and the codes that faults, realms that are down and
 * other devices explain. No code that accuses the server is among them: it is an honest one.
 */
import { expect } from 'vitest'
import { isKeyhavenError } from 'keyhaven'
import { parseHex } from 'keyhaven/crypto'
import type { Device, Life } from './life.ts'
import { setsPin } from './life-operations.ts'
import type { Outcome, Run } from './life-operations.ts'

interface Expected {
  readonly statuses: readonly string[]
  readonly codes: readonly string[]
}

/** Fails unless the model, and what befell the operations that ran together, explains how this one ended. */
export async function requireExplained(life: Life, run: Run, runs: readonly Run[]): Promise<void> {
  const { outcome, fault } = run.result
  const others = runs.filter((other) => other !== run)
  const set = others.flatMap((other) => (other.pin !== undefined && setsPin(life, other) ? [other.pin] : []))
  const expected = [...life.candidates, ...set].map((valid) => expectedIn(valid, run))
  const label = `${run.step.runs}${run.step.fault === undefined ? '' : ` (${run.step.fault.kind})`}`
  if (outcome !== undefined) {
    expect(
      [...expected.flatMap(({ statuses }) => statuses), ...(mayHaveToWait(life, run) ? ['waiting'] : [])],
      label,
    ).toContain(outcome.status)
    if (isCalm(life, runs)) await requireWhole(life, run, outcome)
    return
  }
  if (run.step.fault?.kind === 'killed' && fault instanceof TypeError && fault.message === 'killed') return
  const explained: readonly string[] = [
    ...expected.flatMap(({ codes }) => codes),
    ...(await codesOf(life, run, runs)),
  ]
  if (!explained.includes(codeOf(fault) ?? '')) throw fault
}

/** The code, or the server's rule where it is one. */
function codeOf(fault: unknown): string | undefined {
  if (isKeyhavenError(fault, 'ERR_SERVER_REFUSED')) return fault.details.rule
  return isKeyhavenError(fault) ? fault.code : undefined
}

/** What an operation comes to where this PIN is valid, or there is no backup. */
function expectedIn(valid: string | undefined, { step, pin, device }: Run): Expected {
  const joined = (status: string, otherwise: Expected): Expected => ({
    statuses: [
      ...(device.joined === 'no' ? [] : [status]),
      ...(device.joined === 'yes' ? [] : otherwise.statuses),
    ],
    codes: device.joined === 'yes' ? [] : otherwise.codes,
  })
  const changed = (status: string): Expected =>
    joined(status, { statuses: [], codes: ['ERR_AUTHORITY_REQUIRED'] })
  const one = (status: string): Expected => ({ statuses: [status], codes: [] })
  switch (step.runs) {
    case 'backup':
      if (pin !== undefined) return one(valid === undefined || valid === pin ? 'backed-up' : 'wrong-pin')
      return valid === undefined ? one('pin-needed') : joined('backed-up', one('pin-needed'))
    case 'restore':
      if (valid === undefined) return one('no-backup')
      return one(valid === pin ? 'restored' : 'wrong-pin')
    case 'replace':
      return valid === undefined ? one('backed-up') : changed('backed-up')
    case 'change-pin':
      return valid === undefined ? one('no-backup') : changed('pin-changed')
    case 'rotate':
      return valid === undefined ? one('no-backup') : changed('rotated')
  }
}

/** Nothing is wrong, and nobody else is at it. */
function isCalm(life: Life, runs: readonly Run[]): boolean {
  return (
    runs.length === 1 && life.place.realmIsDown.size === 0 && runs.every(({ faulty }) => !faulty.struck())
  )
}

/**
 * True where a realm too many is missing and another may not have heard of the right guess that forgave the wrong ones: it was
 * slow then, and others sufficed.
 */
function mayHaveToWait({ place }: Life, { pin, faulty }: Run): boolean {
  const { realms, recoverThreshold } = place.configuration
  const missing = faulty.struck() || place.realmIsDown.size > 0
  return pin !== undefined && missing && recoverThreshold < realms.length
}

/** Undisturbed, an operation leaves nothing for later. */
async function requireWhole(life: Life, run: Run, outcome: Outcome): Promise<void> {
  if ('oldRegistrationRemainsOn' in outcome && !(await hasGivenUpFirst(life))) {
    expect(outcome.oldRegistrationRemainsOn).toEqual([])
  }
  if (outcome.status === 'restored') expect(outcome.deviceAdded).toBe(true)
  if (!('generation' in outcome)) return
  const changes = ['change-pin', 'rotate', 'replace'].includes(run.step.runs) || setsPin(life, run)
  expect(outcome.generation).toBe(life.generation + (changes ? 1 : 0))
}

/**
 * True while realms may still hold what a first backup registered that was given up when they could not be reached: only the
 * device that had begun it has the key to delete that, and does so once it joins.
 */
async function hasGivenUpFirst(life: Life): Promise<boolean> {
  const { rowCount } = await life.place.app.database.database.withUser(
    life.inspector.accountId,
    (transaction) =>
      transaction.query(
        'SELECT FROM app.retired_registrations WHERE authority IS NULL AND generation IS NULL',
      ),
  )
  return rowCount !== 0
}

/** True for what a device may be told that wants to remove another and does not shut it out of the backup. */
export async function explainedRefusal(life: Life, device: Device, fault: unknown): Promise<boolean> {
  if (isKeyhavenError(fault, 'ERR_AUTHORITY_REQUIRED')) return device.joined !== 'yes'
  if (codeOf(fault) !== 'ERR_PENDING_ELSEWHERE') return false
  return otherChangeIsUnderWay(life, device)
}

async function codesOf(life: Life, run: Run, runs: readonly Run[]): Promise<readonly string[]> {
  const struck = run.faulty.struck()
  return [
    ...(struck ? ['ERR_SERVER_UNAVAILABLE', 'ERR_REALMS_UNAVAILABLE'] : []),
    ...(struck && run.step.fault?.kind === 'aborted' ? ['ERR_ABORTED'] : []),
    ...(life.place.realmIsDown.size > 0 ? ['ERR_REALMS_UNAVAILABLE'] : []),
    ...(runs.length > 1 || (await otherChangeIsUnderWay(life, run.device)) ? ['ERR_PENDING_ELSEWHERE'] : []),
    // Two programs that share a vault replace one another's change until one of them has no patience left.
    ...(runs.length > 1 ? ['ERR_POINTER_CONFLICT'] : []),
  ]
}

/** True when another device has begun a change and not ended it: nobody else may change anything for ten minutes. */
async function otherChangeIsUnderWay(life: Life, device: Device): Promise<boolean> {
  const { accountId, deviceId } = device.person
  const { rowCount } = await life.place.app.database.database.withUser(accountId, (transaction) =>
    transaction.query('SELECT FROM app.pending_changes WHERE device_id <> $1', [
      parseHex(deviceId, 'deviceId', 16),
    ]),
  )
  return rowCount !== 0
}
