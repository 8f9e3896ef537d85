/** The server of Keyhaven: settings in, a running server out. */
export { startServer } from './start.ts'
export type { RunningServer, ServerHooks } from './start.ts'
export { parseSettings } from './settings/settings.ts'
export type { KeyFiles, ServerOptions, ServerSettings } from './settings/settings.ts'
export type { CodeSender } from './auth/code-sender.ts'
export { createLog } from './log/log.ts'
export type { Log, LogFields } from './log/log.ts'
