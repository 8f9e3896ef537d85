/** Key sync over a Supabase project (docs/supabase.md). */
export type { RpcAnswer, SupabaseClientParts } from './call.ts'
export { supabaseTransport } from './transport.ts'
export type { SupabaseTransportOptions } from './transport.ts'
