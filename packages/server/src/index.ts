/** The server of Keyhaven. */
export type { Database, DatabaseUrls, Transaction } from './db/database.ts'
export { openDatabase } from './db/database.ts'
