/** What a vault needs in Node, Deno and Bun: storage in files, and a device key in a file. */
export { fileDeviceProtection } from './protection/device-file.ts'
export { fileStorage } from './storage/file.ts'
export type { FileStorageOptions } from './storage/file.ts'
