-- Keyhaven in a Supabase project: the tables (docs/supabase.md). Forward only; never edited.
--
-- People read four tables under row-level security and write none: every change goes through the functions of the third
-- file, which run as their owner and look at nothing but auth.uid(). The rest lies in a schema that the API does not show.
-- Projects that come from QryptChat keep the rows of encrypted_key_backups and key_access_log that they have.

CREATE SCHEMA keyhaven;
COMMENT ON SCHEMA keyhaven IS 'What Keyhaven keeps beside the tables that people may read; not to be exposed by the API.';
REVOKE ALL ON SCHEMA keyhaven FROM PUBLIC;

CREATE TABLE IF NOT EXISTS public.encrypted_key_backups (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
  phone_number text,
  encrypted_identity_keys bytea,
  encrypted_master_key bytea,
  salt bytea,
  iterations integer,
  key_version integer NOT NULL DEFAULT 1,
  device_fingerprint text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS public.key_access_log (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
  device_fingerprint text,
  access_type text NOT NULL,
  success boolean NOT NULL,
  error_message text,
  ip_address inet,
  user_agent text,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- QryptChat let people write both tables; from now on nobody but Keyhaven's functions does.
DO $$
DECLARE
  found record;
BEGIN
  FOR found IN
    SELECT tablename, policyname FROM pg_catalog.pg_policies
     WHERE schemaname = 'public' AND tablename IN ('encrypted_key_backups', 'key_access_log')
  LOOP
    EXECUTE format('DROP POLICY %I ON public.%I', found.policyname, found.tablename);
  END LOOP;
  FOR found IN
    SELECT conrelid::regclass AS tablename, conname FROM pg_catalog.pg_constraint
     WHERE conrelid IN ('public.encrypted_key_backups'::regclass, 'public.key_access_log'::regclass)
       AND contype IN ('c', 'u')
  LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.tablename, found.conname);
  END LOOP;
  FOR found IN
    SELECT c.relname AS tablename, t.tgname FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
     WHERE t.tgrelid IN ('public.encrypted_key_backups'::regclass, 'public.key_access_log'::regclass)
       AND NOT t.tgisinternal
  LOOP
    EXECUTE format('DROP TRIGGER %I ON public.%I', found.tgname, found.tablename);
  END LOOP;
END
$$;

ALTER TABLE public.encrypted_key_backups
  ALTER COLUMN phone_number DROP NOT NULL,
  ALTER COLUMN encrypted_identity_keys DROP NOT NULL,
  ALTER COLUMN encrypted_master_key DROP NOT NULL,
  ALTER COLUMN salt DROP NOT NULL,
  ALTER COLUMN salt DROP DEFAULT,
  ALTER COLUMN iterations DROP NOT NULL,
  ALTER COLUMN iterations DROP DEFAULT,
  ALTER COLUMN key_version TYPE bigint,
  ADD COLUMN registration bytea CHECK (octet_length(registration) = 16),
  ADD COLUMN realms bytea[],
  ADD COLUMN anchor bytea CHECK (octet_length(anchor) = 32),
  ADD COLUMN authority bytea CHECK (octet_length(authority) = 32),
  ADD COLUMN registration_authority bytea CHECK (octet_length(registration_authority) = 32),
  ADD COLUMN signature bytea CHECK (octet_length(signature) = 64),
  ADD COLUMN statement bytea CHECK (octet_length(statement) = 64),
  ADD COLUMN serial bigint,
  ADD COLUMN etag text,
  ADD COLUMN covered_cursor bigint NOT NULL DEFAULT 0,
  ADD CONSTRAINT keyhaven_whole CHECK (
    num_nonnulls(registration, realms, anchor, authority, registration_authority, signature, statement, serial, etag) IN (0, 9)),
  ADD CONSTRAINT keyhaven_nothing_old CHECK (
    registration IS NULL OR num_nonnulls(phone_number, encrypted_identity_keys, encrypted_master_key, salt, iterations) = 0);
CREATE UNIQUE INDEX keyhaven_one_backup ON public.encrypted_key_backups (user_id) WHERE registration IS NOT NULL;
COMMENT ON TABLE public.encrypted_key_backups IS
  'One row per person: which registration, realms and generation are in use. A thief of a dump learns who has a backup, when it changed, and public keys. Rows without a registration are QryptChat''s: from those he gets the keys by trying PINs.';
COMMENT ON COLUMN public.encrypted_key_backups.phone_number IS
  'Null in new rows: no key is derived from a phone number any more, and numbers change and are given to other people.';
COMMENT ON COLUMN public.encrypted_key_backups.salt IS
  'Null in new rows: a salt and an iteration count here are what lets a thief of the table try PINs. Realms count the tries instead.';
COMMENT ON COLUMN public.encrypted_key_backups.iterations IS 'Null in new rows, as salt is.';
COMMENT ON COLUMN public.encrypted_key_backups.encrypted_identity_keys IS 'Null in new rows: sealed keys are segments of key_log_segments.';
COMMENT ON COLUMN public.encrypted_key_backups.encrypted_master_key IS 'Null in new rows: sealed keys are segments of key_log_segments.';
COMMENT ON COLUMN public.encrypted_key_backups.key_version IS 'The generation of the root key.';
COMMENT ON COLUMN public.encrypted_key_backups.device_fingerprint IS 'The random id of the device that committed.';

ALTER TABLE public.key_access_log
  ADD COLUMN sequence bigint CHECK (sequence > 0),
  ADD COLUMN hash bytea CHECK (octet_length(hash) = 32),
  ADD COLUMN code text,
  ADD COLUMN message text,
  ADD COLUMN ip_address_salt bytea,
  ADD COLUMN ip_address_commitment bytea,
  ADD COLUMN user_agent_salt bytea,
  ADD COLUMN user_agent_commitment bytea;
CREATE UNIQUE INDEX keyhaven_access_sequence ON public.key_access_log (user_id, sequence);
COMMENT ON TABLE public.key_access_log IS
  'What was done with each backup, for its owner; a chain of hashes, written by triggers. A thief of a dump learns times, device ids, addresses and user agents; no key, no number.';
COMMENT ON COLUMN public.key_access_log.code IS 'REPORTED_BY_CLIENT: the database has only the device''s word for this row.';

CREATE TABLE public.key_log_segments (
  user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
  segment_id bytea NOT NULL CHECK (octet_length(segment_id) = 32),
  cursor bigint,
  pending bytea,
  head boolean NOT NULL,
  arrival bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('ways', 'identity', 'conversation', 'snapshot')),
  generation bigint NOT NULL,
  device_id bytea NOT NULL,
  sequence bigint NOT NULL,
  parents bytea[] NOT NULL,
  size integer NOT NULL,
  segment bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, segment_id),
  UNIQUE (user_id, device_id, sequence),
  UNIQUE (user_id, cursor),
  CHECK ((cursor IS NULL) = (pending IS NOT NULL))
);
ALTER TABLE public.key_log_segments ALTER COLUMN segment SET STORAGE EXTERNAL;
CREATE INDEX key_log_heads ON public.key_log_segments (user_id) WHERE head;
COMMENT ON TABLE public.key_log_segments IS
  'The sealed key log. A thief of a dump learns kinds, padded sizes, devices and times; what opens a segment is on no server.';

CREATE TABLE public.key_devices (
  user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
  device_id bytea NOT NULL CHECK (octet_length(device_id) = 16),
  label text NOT NULL CHECK (char_length(label) BETWEEN 1 AND 64 AND label !~ '[[:cntrl:]]'),
  first_used_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  removed_at timestamptz,
  PRIMARY KEY (user_id, device_id)
);
COMMENT ON TABLE public.key_devices IS
  'The devices of each person, by the names that they gave; lets no device open anything. A thief of a dump learns names and times.';

CREATE TABLE keyhaven.sessions (
  user_id uuid NOT NULL,
  session_id text NOT NULL,
  device_id bytea NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (user_id, session_id),
  FOREIGN KEY (user_id, device_id) REFERENCES public.key_devices ON DELETE CASCADE
);
COMMENT ON TABLE keyhaven.sessions IS 'Which device each session of Supabase is. A thief of a dump learns which sessions belong together.';

CREATE TABLE keyhaven.logs (
  user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
  last_cursor bigint NOT NULL DEFAULT 0,
  last_arrival bigint NOT NULL DEFAULT 0,
  tail_segments bigint NOT NULL DEFAULT 0,
  tail_bytes bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE keyhaven.logs IS 'Counters; the row is the lock of its person''s backup. A thief of a dump learns how much was ever stored.';

CREATE TABLE keyhaven.write_tokens (
  user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
  token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32)
);
COMMENT ON TABLE keyhaven.write_tokens IS
  'What adds to a backup must show the token of its generation, which devices derive from the root key. A thief of a dump gets hashes of 32 random bytes: nothing.';

CREATE TABLE keyhaven.slots (
  user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
  way_id bytea NOT NULL CHECK (octet_length(way_id) = 16),
  generation bigint NOT NULL,
  slot bytea NOT NULL CHECK (octet_length(slot) = 1168),
  PRIMARY KEY (user_id, way_id)
);
COMMENT ON TABLE keyhaven.slots IS 'The root key sealed to each way in. A thief of a dump learns how many ways there are.';

CREATE TABLE keyhaven.pending_slots (
  user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
  way_id bytea NOT NULL CHECK (octet_length(way_id) = 16),
  slot bytea NOT NULL CHECK (octet_length(slot) = 1168),
  PRIMARY KEY (user_id, way_id)
);
COMMENT ON TABLE keyhaven.pending_slots IS 'Slots that wait for a commit. A thief of a dump learns what he learns from slots.';

CREATE TABLE keyhaven.pending_changes (
  user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
  registration bytea NOT NULL CHECK (octet_length(registration) = 16),
  generation bigint NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
  realms bytea[] NOT NULL,
  device_id bytea NOT NULL,
  expected_etag text,
  started_at timestamptz NOT NULL
);
COMMENT ON TABLE keyhaven.pending_changes IS 'The change that each person has under way. A thief of a dump learns who is changing a PIN now.';

CREATE TABLE keyhaven.retired_registrations (
  user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
  registration bytea NOT NULL CHECK (octet_length(registration) = 16),
  realms bytea[] NOT NULL,
  retired_at timestamptz NOT NULL,
  generation bigint,
  previous_root bytea CHECK (octet_length(previous_root) = 48),
  authority bytea,
  PRIMARY KEY (user_id, registration)
);
COMMENT ON TABLE keyhaven.retired_registrations IS 'Registrations that are to be deleted at realms. A thief of a dump learns which realms.';

CREATE TABLE keyhaven.removal_requests (
  user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('backup', 'account', 'fresh-start')),
  device_id bytea NOT NULL,
  requested_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL
);
COMMENT ON TABLE keyhaven.removal_requests IS 'Deletions that wait out the cooling period. A thief of a dump learns who asked, and when.';

CREATE TABLE keyhaven.removed_backups (
  user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
  kind text NOT NULL,
  generation bigint NOT NULL,
  etag text NOT NULL,
  signature bytea,
  removed_at timestamptz NOT NULL
);
COMMENT ON TABLE keyhaven.removed_backups IS 'The last backup that each person deleted. A thief of a dump learns who deleted one, and when.';

CREATE TABLE keyhaven.links (
  user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
  link_id bytea NOT NULL CHECK (octet_length(link_id) = 16),
  offered_by bytea NOT NULL,
  answered_by bytea,
  messages bytea[] NOT NULL,
  expires_at timestamptz NOT NULL
);
COMMENT ON TABLE keyhaven.links IS 'Mailboxes for linking a device, five minutes each. A thief of a dump learns that somebody links one.';

CREATE TABLE keyhaven.access_heads (
  user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
  sequence bigint NOT NULL DEFAULT 0,
  hash bytea
);
COMMENT ON TABLE keyhaven.access_heads IS 'The newest row of each access log. A thief of a dump learns how many rows there are.';

-- Row-level security everywhere; Supabase grants new tables of public to everybody, so that is taken back first.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['public.encrypted_key_backups', 'public.key_access_log', 'public.key_log_segments',
    'public.key_devices', 'keyhaven.sessions', 'keyhaven.logs', 'keyhaven.write_tokens', 'keyhaven.slots',
    'keyhaven.pending_slots', 'keyhaven.pending_changes', 'keyhaven.retired_registrations',
    'keyhaven.removal_requests', 'keyhaven.removed_backups', 'keyhaven.links', 'keyhaven.access_heads']
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, anon, authenticated, service_role', name);
  END LOOP;
END
$$;
GRANT SELECT ON public.encrypted_key_backups, public.key_access_log, public.key_devices TO authenticated, service_role;
GRANT SELECT ON public.key_log_segments TO service_role;
-- Without the segments themselves: those are read by a function that writes it down.
GRANT SELECT (user_id, segment_id, cursor, kind, generation, device_id, sequence, size, created_at)
  ON public.key_log_segments TO authenticated;
CREATE POLICY own_select ON public.encrypted_key_backups FOR SELECT TO authenticated
  USING (user_id = (SELECT auth.uid()));
CREATE POLICY own_select ON public.key_access_log FOR SELECT TO authenticated
  USING (user_id = (SELECT auth.uid()));
CREATE POLICY own_select ON public.key_devices FOR SELECT TO authenticated
  USING (user_id = (SELECT auth.uid()));
CREATE POLICY own_select ON public.key_log_segments FOR SELECT TO authenticated
  USING (user_id = (SELECT auth.uid()) AND cursor IS NOT NULL);
