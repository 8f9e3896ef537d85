import { expect, test } from 'vitest'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeRemains, waitingAnswer } from './pin-answers.ts'
import { describeRemaining, removalWaitingAnswer } from './removal-answers.ts'

test('a PIN that has to wait is told apart from a wrong one, with a minute that is not too early', () => {
  const outcome = { status: 'waiting', until: '2026-12-03T14:04:00.001Z', retryAfterSeconds: 60 } as const
  const { exit, json, text } = waitingAnswer(outcome)
  expect([exit, json]).toEqual([EXIT.waiting, outcome])
  expect(text).toContain('on 3 December 2026 at 14:05 UTC')
  expect(text).toContain('no guess was used')
})

test('a deletion that waits names the command, the moment, and realms that it could not ask', () => {
  const outcome = { status: 'waiting', until: '2026-12-03T14:05:00.000Z', notBegunOn: ['ab'] } as const
  const { exit, text } = removalWaitingAnswer(outcome, 'keyhaven delete')
  expect(exit).toBe(EXIT.waiting)
  expect(text).toContain('run "keyhaven delete" again on 3 December 2026 at 14:05 UTC or later')
  expect(text).toContain('Realm ab could not be asked')
})

test('what still lies at realms is named, and a wrong clock where that is why', () => {
  expect(describeRemaining({ remainsOn: [] }, 'keyhaven delete')).toBe('')
  expect(describeRemains({ oldRegistrationRemainsOn: ['ab'] })).toMatch(
    /realm ab; each "keyhaven sync".*it\.$/,
  )
  const clock = 'The clock of this device is minutes off'
  expect(describeRemains({ oldRegistrationRemainsOn: ['ab'], clockIsWrong: true })).toContain(clock)
  expect(describeRemaining({ remainsOn: ['ab'], clockIsWrong: true }, 'keyhaven delete')).toContain(clock)
  const wait = { status: 'waiting', until: '2026-12-03T14:04:00.000Z', retryAfterSeconds: 60 } as const
  expect(waitingAnswer(wait).text).not.toContain(clock)
  expect(waitingAnswer({ ...wait, clockIsWrong: true }).text).toContain(clock)
})
