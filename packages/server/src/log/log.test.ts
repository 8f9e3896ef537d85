import { expect, test } from 'vitest'
import { createLog, describeFault } from './log.ts'

test('a line is one JSON object with its fields, time and level', () => {
  const lines: string[] = []
  const log = createLog({ write: (line) => lines.push(line) })
  log.info({
    event: 'started',
    origin: 'http://127.0.0.1:1',
    realmId: '00',
    postgres: 'private',
    milliseconds: 5,
  })
  log.error({ event: 'request_failed', method: 'GET', route: '/v1/pointer', status: 500 })
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { level: 30, event: 'started', origin: 'http://127.0.0.1:1', milliseconds: 5 },
    { level: 50, event: 'request_failed', route: '/v1/pointer', status: 500 },
  ])
})

test('a line has the fields of the list and no other, whatever is handed over', () => {
  const lines: string[] = []
  const log = createLog({ write: (line) => lines.push(line) })
  const fields = { event: 'request_failed', phone: 'planted-marker', route: '/v1/pointer' } as const
  log.error(fields)
  log.info(fields)
  expect(lines.map((line) => Object.keys(JSON.parse(line) as object))).toEqual([
    ['level', 'time', 'event', 'route'],
    ['level', 'time', 'event', 'route'],
  ])
})

test('a fault is told by name, code and place, never by its message, not even one of many lines', () => {
  const error = Object.assign(new TypeError('planted-marker\nplanted-marker\n    at planted-marker'), {
    code: '22P02',
    detail: 'planted-marker',
    cause: new Error('planted-marker'),
  })
  const fault = describeFault(error)
  expect(fault).toMatchObject({ name: 'TypeError', code: '22P02' })
  expect(fault.frames[0]).toContain('log.test.ts')
  expect(JSON.stringify(fault)).not.toContain('planted-marker')
  expect(JSON.stringify(describeFault('planted-marker'))).not.toContain('planted-marker')
})
