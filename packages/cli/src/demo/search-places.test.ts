import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../testing/command.ts'
import { filesPlace, messagesPlace, searchPlaces } from './search-places.ts'
import type { Place, SearchResult } from './search-places.ts'

const marker = randomBytes(32)
const key = randomBytes(32)
const secrets = { bytes: [key], digits: ['48291357'] }

function search(places: readonly Place[]): Promise<SearchResult> {
  return searchPlaces({
    places,
    secrets,
    marker,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  })
}

test('a place that holds the marker and no secret is clean', async () => {
  const result = await search([messagesPlace('bodies', [Buffer.from(`x ${marker.toString('hex')}`)])])
  expect(result).toEqual({ bytes: 66, leaks: 0, findings: [], unmarked: [] })
})

test('a place without the marker counts as not searched', async () => {
  const places = [
    messagesPlace('bodies', [Buffer.from(marker)]),
    messagesPlace('heads', [Buffer.from('nothing')]),
  ]
  expect((await search(places)).unmarked).toEqual(['heads'])
  expect((await search([messagesPlace('empty', [])])).unmarked).toEqual(['empty'])
})

test('a key and a PIN are found in the place where they leaked, each once for each form', async () => {
  const leak = Buffer.concat([
    marker,
    Buffer.from(`{"pin":"48291357","key":"${key.toString('base64')}"}`),
    key,
    key,
  ])
  const result = await search([messagesPlace('bodies', [leak, leak]), messagesPlace('heads', [marker])])
  expect(result.leaks).toBe(3)
  expect(new Set(result.findings.map(({ place, form }) => `${place} ${form}`))).toEqual(
    new Set(['bodies raw', 'bodies base64', 'bodies digits']),
  )
})

test('files are searched in all folders below, also where a secret lies across two blocks', async () => {
  const folder = await temporaryFolder()
  const block = 16 * 1024 * 1024
  await mkdir(join(folder, 'a', 'b'), { recursive: true })
  await writeFile(join(folder, 'a', 'marker'), marker)
  for (const [index, before] of [block - 1, block - 16, block - 31].entries()) {
    await writeFile(
      join(folder, 'a', 'b', `key ${String(index)}`),
      Buffer.concat([Buffer.alloc(before), key]),
    )
    expect((await search([filesPlace('files', [folder])])).findings).toEqual([
      { place: 'files', form: 'raw' },
    ])
    await writeFile(join(folder, 'a', 'b', `key ${String(index)}`), '')
  }
  for (const before of [block - 1, block - 8, block]) {
    await writeFile(
      join(folder, 'pin'),
      Buffer.concat([Buffer.alloc(before), Buffer.from('48291357'), Buffer.alloc(9)]),
    )
    expect((await search([filesPlace('files', [folder])])).findings).toEqual([
      { place: 'files', form: 'digits' },
    ])
  }
  await writeFile(
    join(folder, 'pin'),
    Buffer.concat([Buffer.alloc(block - 134), Buffer.from('7'.repeat(128) + '48291357')]),
  )
  expect((await search([filesPlace('files', [folder])])).leaks).toBe(0)
})

test('a single file can be a place, links are not followed, and a missing folder is a fault', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'log'), 'Keyhaven sign-in code for +1: 123456\n')
  await symlink('/dev/zero', join(folder, 'endless'))
  expect(await search([filesPlace('log', [join(folder, 'log')], ['123456'])])).toMatchObject({ unmarked: [] })
  expect(await search([filesPlace('log', [join(folder, 'log')], ['654321'])])).toMatchObject({
    unmarked: ['log'],
  })
  expect(await search([filesPlace('all', [folder], ['123456'])])).toMatchObject({ unmarked: [] })
  await expect(search([filesPlace('gone', [join(folder, 'gone')])])).rejects.toThrow()
})
