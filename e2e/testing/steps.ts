/**
 * Random steps in the life of an account, as plain data: the same seed gives the same steps, and a failing life shrinks
 * to few of them. Devices, names and keys are numbers of which the life takes the remainder, so that every step means
 * something wherever it stands.
 */
import fc from 'fast-check'
import type { Fault } from './faults.ts'

export type OperationKind = 'backup' | 'restore' | 'change-pin' | 'rotate' | 'replace'

export interface OperationStep {
  readonly runs: OperationKind
  readonly device: number
  /** For a restore or a backup: the valid PIN, one that was, or none (a backup only). Changes take a new one. */
  readonly pin: 'valid' | 'old' | 'none'
  readonly fault: Fault | undefined
}

export type Step =
  /** A key that is new; or one that was there before and was removed since. */
  | { readonly does: 'add'; readonly device: number; readonly name: number; readonly identity: boolean }
  | { readonly does: 'remove'; readonly device: number; readonly key: number }
  | { readonly does: 'bring-back'; readonly device: number; readonly key: number }
  | { readonly does: 'run'; readonly operation: OperationStep }
  /** Two operations at once, on different devices where there are two. */
  | { readonly does: 'run-both'; readonly operations: readonly [OperationStep, OperationStep] }
  | { readonly does: 'sign-in' }
  | { readonly does: 'lose-device'; readonly device: number }
  /** One device removes another. */
  | { readonly does: 'remove-device'; readonly device: number; readonly other: number }
  | { readonly does: 'realm'; readonly realm: number; readonly down: boolean }
  /** What was late arrives, in another order than it was sent. */
  | { readonly does: 'arrive'; readonly first: number }
  | { readonly does: 'wait'; readonly minutes: number }
  | { readonly does: 'inspect' }

const device = fc.nat(4)
const small = fc.nat(30)

const fault: fc.Arbitrary<Fault> = fc.record({
  kind: fc.constantFrom<Fault['kind'][]>(
    'killed',
    'aborted',
    'answer-lost',
    'request-lost',
    'offline',
    'repeated',
    'late',
  ),
  at: fc.oneof({ weight: 2, arbitrary: fc.integer({ min: 1, max: 8 }) }, fc.integer({ min: 1, max: 40 })),
})

function operation(faulty: fc.Arbitrary<Fault | undefined>): fc.Arbitrary<OperationStep> {
  return fc.record({
    runs: fc.oneof(
      { weight: 8, arbitrary: fc.constant<OperationKind>('backup') },
      { weight: 2, arbitrary: fc.constant<OperationKind>('restore') },
      {
        weight: 3,
        arbitrary: fc.constantFrom<OperationKind[]>('change-pin', 'change-pin', 'rotate', 'replace'),
      },
    ),
    device,
    pin: fc.oneof(
      { weight: 8, arbitrary: fc.constant('valid' as const) },
      { weight: 1, arbitrary: fc.constant('old' as const) },
      { weight: 3, arbitrary: fc.constant('none' as const) },
    ),
    fault: faulty,
  })
}

const calm = operation(fc.constant(undefined))
const faulty = operation(fault)

export interface LifeOptions {
  /** So many steps at most, and half of them at least: a life has a beginning and an end, which cost. */
  readonly steps: number
  /** How much more often a step on keys alone is than one that meets the server. */
  readonly local: number
  /** How often two operations run at once; what they do to one another depends on the machine as well as on the seed. */
  readonly together: number
}

/** The steps of a life. */
export function lifeOf(options: LifeOptions): fc.Arbitrary<Step[]> {
  const { local, together } = options
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 16 * local,
      arbitrary: fc.record({
        does: fc.constant('add' as const),
        device,
        name: fc.nat(5),
        identity: fc.boolean(),
      }),
    },
    { weight: 6 * local, arbitrary: fc.record({ does: fc.constant('remove' as const), device, key: small }) },
    {
      weight: 3 * local,
      arbitrary: fc.record({ does: fc.constant('bring-back' as const), device, key: small }),
    },
    { weight: 9, arbitrary: fc.record({ does: fc.constant('run' as const), operation: calm }) },
    { weight: 9, arbitrary: fc.record({ does: fc.constant('run' as const), operation: faulty }) },
    {
      weight: 2 * together,
      arbitrary: fc.record({ does: fc.constant('run-both' as const), operations: fc.tuple(calm, calm) }),
    },
    {
      weight: together,
      arbitrary: fc.record({ does: fc.constant('run-both' as const), operations: fc.tuple(faulty, faulty) }),
    },
    { weight: 2, arbitrary: fc.constant({ does: 'sign-in' as const }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('lose-device' as const), device }) },
    {
      weight: 1,
      arbitrary: fc.record({ does: fc.constant('remove-device' as const), device, other: device }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constant('realm' as const), realm: fc.nat(2), down: fc.boolean() }),
    },
    { weight: 3, arbitrary: fc.record({ does: fc.constant('arrive' as const), first: fc.nat(5) }) },
    {
      weight: 1,
      arbitrary: fc.record({ does: fc.constant('wait' as const), minutes: fc.constantFrom(11, 11, 1500) }),
    },
    { weight: 2, arbitrary: fc.constant({ does: 'inspect' as const }) },
  )
  const { steps } = options
  return fc.array(step, { minLength: Math.ceil(steps / 2), maxLength: steps, size: 'max' })
}
