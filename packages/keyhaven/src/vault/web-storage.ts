/** A vault in localStorage, for apps that must; IndexedDB is the default of browsers. */
export { webStorage } from './storage/web-storage.ts'
export type { WebStorageArea, WebStorageOptions } from './storage/web-storage.ts'
