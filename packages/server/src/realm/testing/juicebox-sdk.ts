/**
 * The npm package `juicebox-sdk`, a client that we did not write, made to run in Node: its WebAssembly is instantiated
 * by hand, since it was packed for bundlers. It asks a global function for its tokens.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** How the SDK says why a recovery failed. */
export const JUICEBOX_INVALID_PIN = 0
export const JUICEBOX_NOT_REGISTERED = 1

export interface JuiceboxRecoverError {
  readonly reason: number
  readonly guesses_remaining: number | undefined
}

export interface JuiceboxClient {
  register(pin: Uint8Array, secret: Uint8Array, info: Uint8Array, numGuesses: number): Promise<void>
  recover(pin: Uint8Array, info: Uint8Array): Promise<Uint8Array>
  delete(): Promise<void>
}

interface Bindings {
  readonly Client: new (configuration: object, previous: readonly object[]) => JuiceboxClient
  readonly Configuration: new (value: object) => object
  readonly __wbg_set_wasm: (exports: WebAssembly.Exports) => void
}

/** Gives a realm's token: asked once for each request. */
export type GetAuthToken = (realmId: Uint8Array) => Promise<string>

/** Loads the SDK; every client of it uses `getAuthToken`. */
export async function loadJuiceboxSdk(
  getAuthToken: GetAuthToken,
): Promise<(configuration: object) => JuiceboxClient> {
  const require = createRequire(import.meta.url)
  const bindingsPath = require.resolve('juicebox-sdk/juicebox-sdk_bg.js')
  const bindings = (await import(pathToFileURL(bindingsPath).href)) as Bindings
  const wasm = readFileSync(require.resolve('juicebox-sdk/juicebox-sdk_bg.wasm'))
  const imports = { './juicebox-sdk_bg.js': bindings } as object as WebAssembly.Imports
  const { instance } = await WebAssembly.instantiate(new Uint8Array(wasm), imports)
  bindings.__wbg_set_wasm(instance.exports)
  Object.assign(globalThis, { JuiceboxGetAuthToken: getAuthToken })
  return (configuration) => new bindings.Client(new bindings.Configuration(configuration), [])
}
