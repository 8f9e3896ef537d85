/** The page beside a server of Keyhaven. */
export { openInbox } from './inbox.ts'
export type { Inbox } from './inbox.ts'
export { SITE_HEADERS, createSite } from './site.ts'
export type { SiteOptions } from './site.ts'
export { addMessengerRoutes } from './messenger/routes.ts'
