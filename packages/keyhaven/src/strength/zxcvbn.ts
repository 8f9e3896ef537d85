/**
 * What `estimate-guesses.ts` loads when it is needed. The package's own entry would bring 200 kB of passwords along.
 */
export { ZxcvbnFactory } from '@zxcvbn-ts/core'
export { default as adjacencyGraphs } from '@zxcvbn-ts/language-common/dist/adjacencyGraphs.json.mjs'
export { default as diceware } from '@zxcvbn-ts/language-common/dist/diceware.json.mjs'
