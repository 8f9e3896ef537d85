import { expect, test } from 'vitest'
import { loadModule } from './load-module.ts'

test('a part that is there is loaded, one that is not has a code and no foreign words', async () => {
  expect(await loadModule(import('./errors.ts'))).toHaveProperty('KeyhavenError')
  const gone = `./gone-${String(Date.now())}.js`
  const fault: unknown = await loadModule(import(/* @vite-ignore */ gone)).catch((error: unknown) => error)
  expect(fault).toMatchObject({ code: 'ERR_MODULE_UNAVAILABLE', details: undefined })
  expect(fault).not.toHaveProperty('cause')
})
