/** The documents hold: README's program compiles and runs against a real server, links lead somewhere. */
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseSettings, startServer } from '@keyhaven/server'
import type { RunningServer } from '@keyhaven/server'
import { listCodeBlocks, listDocuments } from './docs.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

describe('README', () => {
  it('is at most 40 lines and holds the two lines that a newcomer types', () => {
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(40)
    expect(readme).toContain('npm ci && npm run demo')
    expect(readme).toContain('npm ci && npm test')
  })
})

describe('documents', () => {
  it.each(listDocuments(root))('%s has only links that lead somewhere', (document) => {
    const text = readFileSync(join(root, document), 'utf8')
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(
      (match) => match[1] ?? '',
    )
    expect(targets.filter((target) => !existsSync(join(root, dirname(document), target)))).toEqual([])
  })
})

describe('docs/troubleshooting.md', () => {
  it('has a row for every code that the library can throw', () => {
    const errors = readFileSync(join(root, 'packages/keyhaven/src/errors.ts'), 'utf8')
    const codes = [...errors.matchAll(/^ {2}(ERR_[A-Z0-9_]+):/gm)].map(([, code]) => code ?? '')
    const text = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8')
    const rows = new Set([...text.matchAll(/^\| `(ERR_[A-Z0-9_]+)` \|/gm)].map(([, code]) => code))
    expect(codes.length).toBeGreaterThan(50)
    expect(codes.filter((code) => !rows.has(code))).toEqual([])
  })
})

describe('code blocks', () => {
  let folder = ''
  let server: RunningServer
  const codes: string[] = []
  let codeArrived: () => void = () => undefined

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyhaven docs '))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    const settings = parseSettings({ options: { port: '0', data: join(folder, 'data') }, env: {} })
    server = await startServer(settings, {
      printCode: (line) => {
        codes.push(/\d{6}$/.exec(line.trim())?.[0] ?? '')
        codeArrived()
      },
    })
  })

  afterAll(async () => {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function nextCode(): Promise<string> {
    while (codes.length === 0) await new Promise<void>((arrived) => (codeArrived = arrived))
    return codes.shift() ?? ''
  }

  it('in TypeScript compile in a strict project', async () => {
    const blocks = listCodeBlocks(root).filter(({ language }) => language === 'ts')
    const files = blocks.map(({ document, line }) => `${document.replaceAll(/\W/g, '-')}-${String(line)}.ts`)
    for (const [index, file] of files.entries()) writeFileSync(join(folder, file), blocks[index]?.code ?? '')
    const compilerOptions = {
      module: 'NodeNext',
      target: 'ES2023',
      lib: ['ES2023', 'DOM'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      outDir: 'out',
      typeRoots: [join(root, 'node_modules/@types')],
      types: ['node'],
      skipLibCheck: true,
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
    expect(files.filter((file) => file.startsWith('README-md-'))).toHaveLength(1)
  })

  it('of README moves a key from one device to another when its questions are answered', async () => {
    const program = listCodeBlocks(root).find(
      ({ document, language }) => document === 'README.md' && language === 'ts',
    )
    const file = join(folder, 'out', `README-md-${String(program?.line)}.js`)
    const child = spawn(process.execPath, [file, server.origin, server.realmId, join(folder, 'devices')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const ended = new Promise<number | null>((resolveEnd) => child.once('close', resolveEnd))
    let output = ''
    for await (const chunk of child.stdout) {
      output += String(chunk)
      if (output.endsWith('Phone number: ')) child.stdin.write('+15550100123\n')
      if (output.endsWith('PIN: ')) child.stdin.write('274951\n')
      if (output.endsWith('Code that the server shows: ')) child.stdin.write(`${await nextCode()}\n`)
    }
    expect(await ended).toBe(0)
    expect(output).toContain('restored')
    expect(output).toContain("name: 'nostr'")
  })

  it('of docs/sync.md give two devices of one person the same conversation key', async () => {
    const program = listCodeBlocks(root).find(
      ({ document, language }) => document === 'docs/sync.md' && language === 'ts',
    )
    expect(program?.code.trimEnd().split('\n').length).toBeLessThanOrEqual(42)
    const file = join(folder, 'out', `docs-sync-md-${String(program?.line)}.js`)
    const keys: (string | undefined)[] = []
    for (const device of ['phone', 'laptop']) {
      const child = spawn(process.execPath, [file, server.origin, server.realmId, join(folder, device)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      const ended = new Promise<number | null>((resolveEnd) => child.once('close', resolveEnd))
      let output = ''
      for await (const chunk of child.stdout) {
        output += String(chunk)
        if (output.endsWith('Phone number: ')) child.stdin.write('+15550100124\n')
        if (output.endsWith('PIN: ')) child.stdin.write('274951\n')
        if (output.endsWith('Code: ')) child.stdin.write(`${await nextCode()}\n`)
      }
      expect(await ended).toBe(0)
      expect(output).toContain(device === 'phone' ? 'backed-up' : 'restored')
      keys.push(/lobby [0-9a-f]{16}/.exec(output)?.[0])
    }
    expect(keys[0]).toBeDefined()
    expect(keys[1]).toBe(keys[0])
  })
})
