/** What a Supabase project has of a person, for tests that nobody else changes or learns it. */
import { randomBytes, toHex } from 'keyhaven/crypto'
import type { Device } from './supabase-people.ts'
import type { SupabaseProject } from './supabase.ts'

/** What a stranger may have got hold of, as the functions' parameters, and what none of them may tell him. */
export async function factsOf(
  owner: Device,
  other: Pick<Device, 'deviceId'>,
): Promise<{
  readonly given: Readonly<Record<string, unknown>>
  readonly secrets: readonly string[]
}> {
  const call = async <T>(name: string, input: object = {}): Promise<T> =>
    (await owner.client.rpc(name, { p_device: owner.deviceId, ...input })).data as T
  const { etag, authority, pointer } = await call<{
    readonly etag: string
    readonly authority: string
    readonly pointer: { readonly registration: string; readonly realms: string[]; readonly anchor: string }
  }>('keyhaven_pointer')
  const { frames } = await call<{ readonly frames: { readonly segment: string }[] }>('keyhaven_segments', {
    p_after: 0,
  })
  const { slots } = await call<{ readonly slots: Readonly<Record<string, string>> }>('keyhaven_slots')
  const { heads } = await call<{ readonly heads: string[] }>('keyhaven_heads')
  const { registration, realms, anchor } = pointer
  const { subject } = await call<{ readonly subject: string }>('keyhaven_realm_subject', {
    p_registration: registration,
  })
  const proof = toHex(randomBytes(64))
  const commit = { registration, anchor, authority, signature: proof, statement: proof, expectedHeads: heads }
  const given = {
    p_device: owner.deviceId,
    p_label: 'x',
    p_expected_etag: etag,
    p_etag: etag,
    p_registration: registration,
    p_realms: realms,
    p_generation: 1,
    p_token: toHex(randomBytes(32)),
    p_next_token_hash: toHex(randomBytes(32)),
    p_commit: { ...commit, expectedEtag: etag, content: toHex(randomBytes(32)) },
    p_id: owner.deviceId,
    p_way: Object.keys(slots)[0],
    p_slot: Object.values(slots)[0],
    p_segment: frames[0]?.segment,
    p_after: 0,
    p_limit: 200,
    p_kind: 'account',
    p_leave: true,
    p_success: true,
    p_index: 1,
    p_message: 'AAAA',
  }
  return { given, secrets: [subject, other.deviceId, ...Object.keys(slots).slice(1), ...heads] }
}

/** Everything that the project has of a person. */
export async function rowsOf(project: SupabaseProject, { client }: Device): Promise<readonly unknown[]> {
  const me = (await client.auth.getSession()).data.session?.user.id ?? ''
  const tables = await project.database.asSuperuser<{ name: string }>(
    `SELECT attrelid::regclass::text AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      WHERE relkind = 'r' AND attname = 'user_id' AND relnamespace IN ('public'::regnamespace, 'keyhaven'::regnamespace) ORDER BY 1`,
  )
  return Promise.all(
    tables.map(async ({ name }) => [
      name,
      await project.database.asSuperuser(
        `SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM ${name} t WHERE user_id = $1`,
        [me],
      ),
    ]),
  )
}
