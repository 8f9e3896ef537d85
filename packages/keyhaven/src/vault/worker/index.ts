/** A vault in a dedicated worker: `serveVaults` there, `connectVaults` on the page. */
export { connectVaults } from './connect.ts'
export type { VaultWorker, WorkerVaultOptions } from './connect.ts'
export type { MessageEnd } from './messages.ts'
export { serveVaults } from './serve.ts'
export type { ServeOptions } from './serve.ts'
