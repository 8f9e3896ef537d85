/** What `npm pack` makes of the library works where it is installed: types, imports, bundlers. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publint } from 'publint'
import { build, createLogger } from 'vite'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '..')
const source = join(root, 'packages/keyhaven')

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}
const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Manifest
const entries = Object.keys(manifest.exports).map((path) => path.replace(/^\./, 'keyhaven'))

/** Entry points that name Node in their documentation and use its modules. */
const NODE_ONLY = ['keyhaven/vault/file']

let project = ''

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'keyhaven package '))
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', project], { cwd: source })
  const packed = join(project, 'node_modules/keyhaven')
  mkdirSync(packed, { recursive: true })
  await run('tar', ['-xzf', join(project, 'keyhaven-0.1.0.tgz'), '-C', packed, '--strip-components=1'])
  // Only what the package declares is there: an undeclared import fails.
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    mkdirSync(dirname(join(project, 'node_modules', name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name), 'dir')
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
})

afterAll(() => {
  rmSync(project, { recursive: true, force: true })
})

/** Imports every entry point and uses the one that needs no platform. */
const PROGRAM = `${entries.map((entry, index) => `import * as entry${String(index)} from '${entry}'`).join('\n')}
import { parseConfiguration } from 'keyhaven/recovery'
import { isKeyhavenError } from 'keyhaven'
export const counts: readonly number[] = [${entries.map((_, index) => `Object.keys(entry${String(index)}).length`).join(', ')}]
let code: string | undefined
try {
  parseConfiguration({ realms: [] })
} catch (error) {
  if (isKeyhavenError(error)) code = error.code
}
console.log(JSON.stringify({ counts, code }))
`

function expectProgramOutput(stdout: string): void {
  const answer = JSON.parse(stdout) as { counts: number[]; code: string }
  expect(answer.code).toBe('ERR_CONFIGURATION_INVALID')
  expect(answer.counts).toHaveLength(entries.length)
  expect(Math.min(...answer.counts)).toBeGreaterThan(0)
}

describe('the packed library', () => {
  it('passes publint without a message', async () => {
    const { messages } = await publint({
      pkgDir: join(project, 'node_modules/keyhaven'),
      pack: false,
      strict: true,
    })
    expect(messages).toEqual([])
  })

  it('compiles in a strict TypeScript project without skipLibCheck, and runs in Node', async () => {
    writeFileSync(join(project, 'program.ts'), PROGRAM)
    const compilerOptions = {
      module: 'NodeNext',
      target: 'ES2023',
      lib: ['ES2023', 'DOM', 'DOM.Iterable'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      outDir: 'out',
      typeRoots: [join(root, 'node_modules/@types')],
      types: ['node'],
    }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }))
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project])
    expectProgramOutput((await run(process.execPath, [join(project, 'out/program.js')])).stdout)
  })

  it('builds in a Vite project without a warning, for browsers, and the bundle runs', async () => {
    const browserEntries = entries.filter((entry) => !NODE_ONLY.includes(entry))
    const imports = browserEntries.map((entry, index) => `import * as entry${String(index)} from '${entry}'`)
    const counts = browserEntries.map((_, index) => `Object.keys(entry${String(index)}).length`)
    writeFileSync(
      join(project, 'main.js'),
      `${imports.join('\n')}\nexport const counts = [${counts.join(', ')}]\n`,
    )
    const warnings: string[] = []
    await build({
      root: project,
      configFile: false,
      customLogger: { ...createLogger('silent'), warn: (message) => warnings.push(message) },
      build: { outDir: 'bundle', lib: { entry: 'main.js', formats: ['es'], fileName: 'app' } },
    })
    expect(warnings).toEqual([])
    const bundle = (await import(join(project, 'bundle/app.js'))) as { readonly counts: readonly number[] }
    expect(Math.min(...bundle.counts)).toBeGreaterThan(0)
  })

  it('holds no test and no test helper', async () => {
    const { stdout } = await run('tar', ['-tzf', join(project, 'keyhaven-0.1.0.tgz')])
    const files = stdout.trim().split('\n')
    expect(files.filter((file) => /\.test\.|\/testing\//.test(file))).toEqual([])
    expect(files).toContain('package/dist/index.js')
  })
})
