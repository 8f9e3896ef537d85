-- Keyhaven in a Supabase project: what devices call (docs/supabase.md). Each function runs as its owner with a fixed
-- search_path, acts for auth.uid() alone, and is the only way to change anything. Refusals are SQLSTATE PT and the status
-- that PostgREST answers, with a code of docs/protocol.md as message. Ids and signatures are hex, other bytes base64.
--
-- PostgreSQL cannot check Ed25519. Where Keyhaven's server asks for the authority key's signature, these ask for the
-- generation's write token, which devices derive from the root key; here lies its SHA-256.

CREATE FUNCTION keyhaven.refuse(status text, code text) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'PT' || status, MESSAGE = code;
END $$;

CREATE FUNCTION keyhaven.bytes(hex text, length integer) RETURNS bytea LANGUAGE plpgsql IMMUTABLE SET search_path = '' AS $$
BEGIN
  IF hex IS NULL OR hex !~ '^[0-9a-f]*$' OR char_length(hex) <> 2 * length THEN
    PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED');
  END IF;
  RETURN decode(hex, 'hex');
END $$;

CREATE FUNCTION keyhaven.base64(bytes bytea) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = '' AS
$$ SELECT translate(encode(bytes, 'base64'), E'\n', '') $$;

CREATE FUNCTION keyhaven.from_base64(words text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE SET search_path = '' AS $$
BEGIN
  IF words IS NULL THEN PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED'); END IF;
  RETURN decode(words, 'base64');
EXCEPTION WHEN invalid_parameter_value THEN
  PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED');
END $$;

CREATE FUNCTION keyhaven.hexes(many bytea[]) RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = '' AS
$$ SELECT coalesce(jsonb_agg(encode(one, 'hex') ORDER BY place), '[]') FROM unnest(many) WITH ORDINALITY AS t (one, place) $$;

CREATE FUNCTION keyhaven.stamp(moment timestamptz) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = '' AS
$$ SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

-- The session of the token that PostgREST verified.
CREATE FUNCTION keyhaven.session_id() RETURNS text LANGUAGE sql STABLE SET search_path = '' AS
$$ SELECT coalesce(nullif(current_setting('request.jwt.claims', true), '')::json ->> 'session_id', '') $$;

-- Who asks: his account, with its lock taken, from a device of his that was not removed.
CREATE FUNCTION keyhaven.actor(device text) RETURNS uuid LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  person uuid := auth.uid();
  bound keyhaven.sessions;
BEGIN
  IF person IS NULL THEN PERFORM keyhaven.refuse('401', 'ERR_SIGNED_OUT'); END IF;
  SELECT * INTO bound FROM keyhaven.sessions s WHERE s.user_id = person AND s.session_id = keyhaven.session_id();
  IF bound.device_id IS NULL THEN PERFORM keyhaven.refuse('401', 'ERR_SIGNED_OUT'); END IF;
  IF bound.ended_at IS NOT NULL THEN PERFORM keyhaven.refuse('401', 'ERR_DEVICE_REMOVED'); END IF;
  IF bound.device_id <> keyhaven.bytes(device, 16) THEN PERFORM keyhaven.refuse('401', 'ERR_SIGNED_OUT'); END IF;
  PERFORM set_config('keyhaven.device', device, true);
  INSERT INTO keyhaven.logs (user_id) VALUES (person) ON CONFLICT DO NOTHING;
  PERFORM FROM keyhaven.logs WHERE user_id = person FOR UPDATE;
  PERFORM keyhaven.give_up_old(person);
  RETURN person;
END $$;

CREATE FUNCTION keyhaven.backup(person uuid) RETURNS public.encrypted_key_backups LANGUAGE sql STABLE SET search_path = '' AS
$$ SELECT b.* FROM public.encrypted_key_backups b WHERE b.user_id = person AND b.registration IS NOT NULL $$;

-- Drops what waits for a change's commit; the registration that was made for it stays listed.
CREATE FUNCTION keyhaven.give_up(person uuid) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  change keyhaven.pending_changes;
  known public.encrypted_key_backups := keyhaven.backup(person);
BEGIN
  DELETE FROM keyhaven.pending_changes WHERE user_id = person RETURNING * INTO change;
  IF change.user_id IS NULL THEN RETURN; END IF;
  DELETE FROM public.key_log_segments WHERE user_id = person AND cursor IS NULL;
  DELETE FROM keyhaven.pending_slots WHERE user_id = person;
  IF change.registration IS NOT DISTINCT FROM known.registration THEN RETURN; END IF;
  INSERT INTO keyhaven.retired_registrations (user_id, registration, realms, retired_at, authority)
  VALUES (person, change.registration, change.realms, now(), known.authority);
END $$;

CREATE FUNCTION keyhaven.give_up_old(person uuid) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF EXISTS (SELECT FROM keyhaven.pending_changes WHERE user_id = person AND started_at < now() - interval '24 hours') THEN
    PERFORM keyhaven.give_up(person);
  END IF;
END $$;

CREATE FUNCTION keyhaven.is_proven(person uuid, token text) RETURNS boolean LANGUAGE sql STABLE SET search_path = '' AS
$$ SELECT EXISTS (SELECT FROM keyhaven.write_tokens WHERE user_id = person AND token ~ '^[0-9a-f]{64}$'
                     AND token_hash = sha256(decode(token, 'hex'))) $$;

-- Once there is a backup, nobody adds to it without its token.
CREATE FUNCTION keyhaven.require_token(person uuid, token text) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF (keyhaven.backup(person)).registration IS NOT NULL AND NOT keyhaven.is_proven(person, token) THEN
    PERFORM keyhaven.refuse('403', 'ERR_PROOF_REJECTED');
  END IF;
END $$;

-- The change under way, if it is this registration's and this device's.
CREATE FUNCTION keyhaven.require_change(person uuid, registration text, device text) RETURNS keyhaven.pending_changes
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  change keyhaven.pending_changes;
BEGIN
  SELECT * INTO change FROM keyhaven.pending_changes WHERE user_id = person;
  IF change.registration IS DISTINCT FROM keyhaven.bytes(registration, 16) OR change.device_id <> keyhaven.bytes(device, 16) THEN
    PERFORM keyhaven.refuse('409', 'ERR_POINTER_CONFLICT');
  END IF;
  RETURN change;
END $$;

-- Another device's change is left alone while it is young, unless it only shortens the log.
CREATE FUNCTION keyhaven.require_replaceable(person uuid, device text) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  change keyhaven.pending_changes;
  known public.encrypted_key_backups := keyhaven.backup(person);
BEGIN
  SELECT * INTO change FROM keyhaven.pending_changes WHERE user_id = person;
  IF change.device_id <> keyhaven.bytes(device, 16) AND change.started_at > now() - interval '10 minutes'
     AND (known.registration IS DISTINCT FROM change.registration OR known.key_version <> change.generation) THEN
    PERFORM keyhaven.refuse('409', 'ERR_PENDING_ELSEWHERE');
  END IF;
END $$;

CREATE FUNCTION keyhaven.list_heads(person uuid) RETURNS bytea[] LANGUAGE sql STABLE SET search_path = '' AS
$$ SELECT ARRAY(SELECT segment_id FROM public.key_log_segments WHERE user_id = person AND head ORDER BY segment_id) $$;

CREATE FUNCTION keyhaven.drop_old_generations(person uuid) RETURNS void LANGUAGE sql SET search_path = '' AS $$
  DELETE FROM public.key_log_segments WHERE user_id = person AND cursor IS NOT NULL AND generation <
    (SELECT least(b.key_version, (SELECT min(r.generation) FROM keyhaven.retired_registrations r WHERE r.user_id = person))
       FROM public.encrypted_key_backups b WHERE b.user_id = person AND b.registration IS NOT NULL)
$$;

-- Signing a device in: its id is bound to the session for good.
CREATE FUNCTION public.keyhaven_enter(p_device text, p_label text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := auth.uid();
  device bytea := keyhaven.bytes(p_device, 16);
  bound keyhaven.sessions;
BEGIN
  IF person IS NULL THEN PERFORM keyhaven.refuse('401', 'ERR_SIGNED_OUT'); END IF;
  INSERT INTO keyhaven.logs (user_id) VALUES (person) ON CONFLICT DO NOTHING;
  PERFORM FROM keyhaven.logs WHERE user_id = person FOR UPDATE;
  PERFORM set_config('keyhaven.device', p_device, true);
  SELECT * INTO bound FROM keyhaven.sessions s WHERE s.user_id = person AND s.session_id = keyhaven.session_id();
  IF bound.ended_at IS NOT NULL THEN PERFORM keyhaven.refuse('401', 'ERR_DEVICE_REMOVED'); END IF;
  IF bound.device_id <> device THEN PERFORM keyhaven.refuse('401', 'ERR_SIGNED_OUT'); END IF;
  IF p_label IS NULL OR char_length(p_label) NOT BETWEEN 1 AND 64 OR p_label ~ '[[:cntrl:]]' THEN
    PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED');
  END IF;
  IF (SELECT count(*) FROM public.key_devices WHERE user_id = person) >= 1000
     AND NOT EXISTS (SELECT FROM public.key_devices WHERE user_id = person AND device_id = device) THEN
    PERFORM keyhaven.refuse('507', 'ERR_QUOTA_EXCEEDED');
  END IF;
  INSERT INTO public.key_devices AS known (user_id, device_id, label) VALUES (person, device, p_label)
  ON CONFLICT (user_id, device_id) DO UPDATE SET last_used_at = now(), removed_at = NULL;
  INSERT INTO keyhaven.sessions (user_id, session_id, device_id) VALUES (person, keyhaven.session_id(), device)
  ON CONFLICT DO NOTHING;
  RETURN jsonb_build_object('account', person);
END $$;

CREATE FUNCTION public.keyhaven_pointer(p_device text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  known public.encrypted_key_backups := keyhaven.backup(person);
BEGIN
  RETURN jsonb_build_object(
    'pointer', CASE WHEN known.registration IS NOT NULL THEN jsonb_build_object(
      'registration', encode(known.registration, 'hex'), 'generation', known.key_version, 'realms', keyhaven.hexes(known.realms),
      'anchor', encode(known.anchor, 'hex'), 'serial', known.serial, 'statement', encode(known.statement, 'hex'),
      'registrationAuthority', encode(known.registration_authority, 'hex')) END,
    'etag', known.etag,
    'authority', encode(known.authority, 'hex'),
    'pending', (SELECT jsonb_build_object('registration', encode(registration, 'hex'), 'device', encode(device_id, 'hex'),
                        'startedAt', keyhaven.stamp(started_at)) FROM keyhaven.pending_changes WHERE user_id = person),
    'retired', coalesce((SELECT jsonb_agg(jsonb_build_object('registration', encode(registration, 'hex'),
                   'realms', keyhaven.hexes(realms), 'generation', generation,
                   'previousRoot', encode(previous_root, 'hex'), 'authority', encode(authority, 'hex'))
                   ORDER BY retired_at, registration) FROM keyhaven.retired_registrations WHERE user_id = person), '[]'),
    'removal', (SELECT jsonb_build_object('kind', kind, 'device', encode(device_id, 'hex'), 'requestedAt', keyhaven.stamp(requested_at),
                        'dueAt', keyhaven.stamp(due_at), 'due', due_at <= now())
                  FROM keyhaven.removal_requests WHERE user_id = person),
    'removed', (SELECT jsonb_build_object('kind', kind, 'generation', generation, 'etag', etag,
                        'signature', encode(signature, 'hex'), 'removedAt', keyhaven.stamp(removed_at))
                  FROM keyhaven.removed_backups WHERE user_id = person),
    'accessLog', keyhaven.describe_access_head(person));
END $$;

CREATE FUNCTION keyhaven.describe_access_head(person uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = '' AS $$
  SELECT jsonb_build_object('sequence', coalesce(h.sequence, 0), 'hash', encode(h.hash, 'hex'))
    FROM (SELECT) one LEFT JOIN keyhaven.access_heads h ON h.user_id = person
$$;

CREATE FUNCTION public.keyhaven_begin_change(
  p_device text, p_expected_etag text, p_registration text, p_generation bigint, p_realms text[], p_token text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  known public.encrypted_key_backups := keyhaven.backup(person);
  named bytea := keyhaven.bytes(p_registration, 16);
  wanted bytea[] := ARRAY(SELECT keyhaven.bytes(r, 16) FROM unnest(p_realms) AS r);
  change keyhaven.pending_changes;
  keeps boolean;
BEGIN
  IF p_generation IS NULL OR p_generation NOT BETWEEN 1 AND 4294967295 OR cardinality(wanted) NOT BETWEEN 1 AND 16 THEN
    PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED');
  END IF;
  SELECT * INTO change FROM keyhaven.pending_changes WHERE user_id = person;
  IF change.device_id = keyhaven.bytes(p_device, 16) AND change.registration = named AND change.generation = p_generation
     AND change.expected_etag IS NOT DISTINCT FROM p_expected_etag AND change.realms = wanted THEN
    RETURN jsonb_build_object('expiresAt', keyhaven.stamp(change.started_at + interval '24 hours'));
  END IF;
  IF known.etag IS DISTINCT FROM p_expected_etag
     OR p_generation NOT IN (coalesce(known.key_version, p_generation), coalesce(known.key_version + 1, p_generation))
     OR (known.registration IS NULL AND EXISTS (SELECT FROM keyhaven.removed_backups
           WHERE user_id = person AND generation >= p_generation)) THEN
    PERFORM keyhaven.refuse('409', 'ERR_POINTER_CONFLICT');
  END IF;
  PERFORM keyhaven.require_token(person, p_token);
  keeps := coalesce(known.registration = named AND known.realms <@ wanted AND wanted <@ known.realms, false);
  IF NOT keeps THEN
    IF (SELECT count(*) FROM keyhaven.retired_registrations WHERE user_id = person) >= 1000 THEN
      PERFORM keyhaven.refuse('507', 'ERR_QUOTA_EXCEEDED');
    END IF;
    IF named IN (known.registration, change.registration)
       OR EXISTS (SELECT FROM keyhaven.retired_registrations WHERE user_id = person AND registration = named) THEN
      PERFORM keyhaven.refuse('409', 'ERR_POINTER_CONFLICT');
    END IF;
  END IF;
  PERFORM keyhaven.require_replaceable(person, p_device);
  PERFORM keyhaven.give_up(person);
  INSERT INTO keyhaven.pending_changes VALUES (person, named, p_generation, wanted, keyhaven.bytes(p_device, 16), p_expected_etag, now());
  RETURN jsonb_build_object('expiresAt', keyhaven.stamp(now() + interval '24 hours'));
END $$;

CREATE FUNCTION public.keyhaven_abandon_change(p_device text, p_registration text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  named bytea := keyhaven.bytes(p_registration, 16);
BEGIN
  IF EXISTS (SELECT FROM keyhaven.pending_changes WHERE user_id = person AND registration = named) THEN
    PERFORM keyhaven.require_replaceable(person, p_device);
    PERFORM keyhaven.give_up(person);
  ELSIF (keyhaven.backup(person)).registration = named THEN
    PERFORM keyhaven.refuse('409', 'ERR_POINTER_CONFLICT');
  ELSIF NOT EXISTS (SELECT FROM keyhaven.retired_registrations WHERE user_id = person AND registration = named) THEN
    PERFORM keyhaven.refuse('404', 'ERR_NOT_FOUND');
  END IF;
  RETURN '{}';
END $$;

-- One transaction: before it only the old registration is valid, after it only the new one.
CREATE FUNCTION public.keyhaven_commit_change(p_device text, p_commit jsonb, p_token text, p_next_token_hash text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  known public.encrypted_key_backups := keyhaven.backup(person);
  change keyhaven.pending_changes;
  new_anchor bytea := keyhaven.bytes(p_commit ->> 'anchor', 32);
  signer bytea := keyhaven.bytes(p_commit ->> 'authority', 32);
  signed bytea := keyhaven.bytes(p_commit ->> 'signature', 64);
  stated bytea := keyhaven.bytes(p_commit ->> 'statement', 64);
  heir bytea := keyhaven.bytes(coalesce(p_commit ->> 'newAuthority', p_commit ->> 'authority'), 32);
  root bytea := CASE WHEN p_commit ->> 'previousRoot' IS NOT NULL THEN keyhaven.bytes(p_commit ->> 'previousRoot', 48) END;
  heads bytea[] := ARRAY(SELECT keyhaven.bytes(h, 32) FROM jsonb_array_elements_text(p_commit -> 'expectedHeads') AS h ORDER BY 1);
  new_etag text := encode(keyhaven.salt(), 'hex');
  shortens boolean;
  last bigint;
BEGIN
  IF known.registration = keyhaven.bytes(p_commit ->> 'registration', 16) AND known.signature = signed
     AND known.device_fingerprint = p_device THEN
    RETURN jsonb_build_object('etag', known.etag);
  END IF;
  change := keyhaven.require_change(person, p_commit ->> 'registration', p_device);
  PERFORM keyhaven.require_token(person, p_token);
  IF known.authority IS DISTINCT FROM signer AND known.authority IS NOT NULL THEN
    PERFORM keyhaven.refuse('403', 'ERR_PROOF_REJECTED');
  END IF;
  IF known.etag IS DISTINCT FROM p_commit ->> 'expectedEtag' OR known.etag IS DISTINCT FROM change.expected_etag
     OR heads IS DISTINCT FROM keyhaven.list_heads(person)
     OR keyhaven.bytes(p_commit ->> 'content', 32) <> keyhaven.hash_content(person)
     OR NOT EXISTS (SELECT FROM public.key_log_segments s WHERE s.user_id = person AND s.segment_id = new_anchor
                       AND s.generation = change.generation AND s.kind IN ('ways', 'snapshot')) THEN
    PERFORM keyhaven.refuse('409', 'ERR_POINTER_CONFLICT');
  END IF;
  shortens := coalesce(known.registration = change.registration AND known.key_version = change.generation, false);
  IF shortens AND NOT EXISTS (SELECT FROM public.key_log_segments WHERE user_id = person AND cursor IS NULL AND kind = 'snapshot') THEN
    PERFORM keyhaven.refuse('409', 'ERR_POINTER_CONFLICT');
  END IF;
  last := keyhaven.show_waiting(person, change, coalesce(known.key_version = change.generation AND NOT shortens, false));
  INSERT INTO keyhaven.write_tokens VALUES (person, keyhaven.bytes(p_next_token_hash, 32))
  ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash;
  IF known.registration IS NULL THEN
    INSERT INTO public.encrypted_key_backups (user_id, key_version, device_fingerprint, registration, realms, anchor, authority,
      registration_authority, signature, statement, serial, etag)
    VALUES (person, change.generation, p_device, change.registration, change.realms, new_anchor, heir, signer, signed, stated, 1, new_etag);
  ELSE
    UPDATE public.encrypted_key_backups b SET (key_version, device_fingerprint, registration, realms, anchor, authority,
        registration_authority, signature, statement, serial, etag, covered_cursor, updated_at)
      = (change.generation, p_device, change.registration, change.realms, new_anchor, heir,
         CASE WHEN known.registration = change.registration THEN known.registration_authority ELSE signer END,
         signed, stated, known.serial + 1, new_etag,
         CASE WHEN shortens THEN last ELSE known.covered_cursor END, now())
      WHERE b.id = known.id;
    IF known.registration <> change.registration THEN
      INSERT INTO keyhaven.retired_registrations VALUES (person, known.registration, known.realms, now(), known.key_version,
        CASE WHEN change.generation > known.key_version THEN root END, known.registration_authority);
    END IF;
  END IF;
  DELETE FROM keyhaven.pending_changes WHERE user_id = person;
  IF shortens THEN
    IF keyhaven.list_heads(person) <> ARRAY[new_anchor] THEN PERFORM keyhaven.refuse('409', 'ERR_POINTER_CONFLICT'); END IF;
    DELETE FROM public.key_log_segments WHERE user_id = person AND generation = known.key_version AND cursor <= last;
  END IF;
  PERFORM keyhaven.drop_old_generations(person);
  -- Whoever has the token has not lost the backup.
  DELETE FROM keyhaven.removal_requests WHERE user_id = person;
  RETURN jsonb_build_object('etag', new_etag);
END $$;

-- The hash of what waits for the commit (docs/protocol.md, "Pointer").
CREATE FUNCTION keyhaven.hash_content(person uuid) RETURNS bytea LANGUAGE sql STABLE SET search_path = '' AS $$
  SELECT sha256(keyhaven.lp('keyhaven/change/v1')
    || int4send((SELECT count(*)::integer FROM public.key_log_segments WHERE user_id = person AND cursor IS NULL))
    || coalesce((SELECT string_agg(keyhaven.lp(segment_id), '' ORDER BY segment_id) FROM public.key_log_segments
                  WHERE user_id = person AND cursor IS NULL), '')
    || coalesce((SELECT string_agg(keyhaven.lp(way_id) || keyhaven.lp(slot), '' ORDER BY way_id)
                   FROM keyhaven.pending_slots WHERE user_id = person), ''))
$$;

-- Makes visible what waits; answers the last cursor before it.
CREATE FUNCTION keyhaven.show_waiting(person uuid, change keyhaven.pending_changes, renews boolean) RETURNS bigint
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  last bigint := (SELECT last_cursor FROM keyhaven.logs WHERE user_id = person);
  added bigint;
  added_bytes bigint;
BEGIN
  SELECT count(*), coalesce(sum(size), 0) INTO added, added_bytes
    FROM public.key_log_segments WHERE user_id = person AND cursor IS NULL;
  UPDATE public.key_log_segments s SET cursor = last + waiting.place, pending = NULL
    FROM (SELECT segment_id AS id, row_number() OVER (ORDER BY arrival) AS place
            FROM public.key_log_segments WHERE user_id = person AND cursor IS NULL) waiting
   WHERE s.user_id = person AND s.segment_id = waiting.id;
  UPDATE public.key_log_segments s SET head = NOT head
   WHERE s.user_id = person AND (s.head OR s.cursor > last)
     AND s.head = EXISTS (SELECT FROM public.key_log_segments f WHERE f.user_id = person AND s.segment_id = ANY (f.parents));
  UPDATE keyhaven.logs SET last_cursor = last + added,
    tail_segments = CASE WHEN renews THEN tail_segments + added ELSE 0 END,
    tail_bytes = CASE WHEN renews THEN tail_bytes + added_bytes ELSE 0 END WHERE user_id = person;
  DELETE FROM keyhaven.slots WHERE user_id = person AND generation <> change.generation;
  INSERT INTO keyhaven.slots SELECT user_id, way_id, change.generation, slot FROM keyhaven.pending_slots WHERE user_id = person
  ON CONFLICT (user_id, way_id) DO UPDATE SET slot = excluded.slot, generation = excluded.generation;
  DELETE FROM keyhaven.pending_slots WHERE user_id = person;
  RETURN last;
END $$;

CREATE FUNCTION public.keyhaven_release_registration(p_device text, p_registration text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  named bytea := keyhaven.bytes(p_registration, 16);
BEGIN
  IF named = (keyhaven.backup(person)).registration
     OR EXISTS (SELECT FROM keyhaven.pending_changes WHERE user_id = person AND registration = named) THEN
    PERFORM keyhaven.refuse('409', 'ERR_POINTER_CONFLICT');
  END IF;
  DELETE FROM keyhaven.retired_registrations WHERE user_id = person AND registration = named;
  PERFORM keyhaven.drop_old_generations(person);
  RETURN '{}';
END $$;

CREATE FUNCTION keyhaven.number_at(bytes bytea, place integer, length integer) RETURNS numeric LANGUAGE sql IMMUTABLE SET search_path = '' AS
$$ SELECT coalesce(sum(get_byte(bytes, place + i) * power(256::numeric, length - 1 - i)), 0) FROM generate_series(0, length - 1) AS i $$;

CREATE FUNCTION public.keyhaven_put_segment(p_device text, p_id text, p_segment text, p_registration text, p_token text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  known public.encrypted_key_backups := keyhaven.backup(person);
  id bytea := keyhaven.bytes(p_id, 32);
  bytes bytea := keyhaven.from_base64(p_segment);
  waits bytea := CASE WHEN p_registration IS NOT NULL THEN keyhaven.bytes(p_registration, 16) END;
  stored public.key_log_segments;
  counters keyhaven.logs;
  parent_ids bytea[];
  many integer;
  generation bigint;
  place numeric;
BEGIN
  IF octet_length(bytes) NOT BETWEEN 83 AND 1048576 OR get_byte(bytes, 0) <> 1 OR get_byte(bytes, 1) NOT BETWEEN 1 AND 4
     OR sha256(bytes) <> id OR substring(bytes FROM 3 FOR 16) <> uuid_send(person)
     OR substring(bytes FROM 23 FOR 16) <> keyhaven.bytes(p_device, 16) OR get_byte(bytes, 46) > 32 THEN
    PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED');
  END IF;
  many := get_byte(bytes, 46);
  IF octet_length(bytes) < 47 + 32 * many + 16 + 20
     OR keyhaven.number_at(bytes, 47 + 32 * many + 12, 4) <> octet_length(bytes) - (47 + 32 * many + 16) THEN
    PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED');
  END IF;
  generation := keyhaven.number_at(bytes, 18, 4);
  place := keyhaven.number_at(bytes, 38, 8);
  parent_ids := ARRAY(SELECT substring(bytes FROM 48 + 32 * i FOR 32) FROM generate_series(0, many - 1) AS i);
  IF place NOT BETWEEN 1 AND 9007199254740991 OR parent_ids <> ARRAY(SELECT DISTINCT p FROM unnest(parent_ids) AS p ORDER BY p) THEN
    PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED');
  END IF;
  SELECT * INTO stored FROM public.key_log_segments WHERE user_id = person AND segment_id = id;
  IF stored.segment_id IS NOT NULL THEN
    IF stored.pending IS NULL OR stored.pending = waits THEN RETURN '{}'; END IF;
    PERFORM keyhaven.refuse('409', 'ERR_POINTER_CONFLICT');
  END IF;
  IF generation IS DISTINCT FROM (CASE WHEN waits IS NULL THEN known.key_version
       ELSE (keyhaven.require_change(person, p_registration, p_device)).generation END) THEN
    PERFORM keyhaven.refuse('409', 'ERR_GENERATION_RETIRED');
  END IF;
  PERFORM keyhaven.require_token(person, p_token);
  IF (SELECT count(*) FROM public.key_log_segments s WHERE s.user_id = person AND s.segment_id = ANY (parent_ids)
        AND (s.cursor IS NOT NULL OR s.pending = waits)) <> many THEN
    PERFORM keyhaven.refuse('409', 'ERR_PARENT_MISSING');
  END IF;
  IF EXISTS (SELECT FROM public.key_log_segments s WHERE s.user_id = person AND s.device_id = keyhaven.bytes(p_device, 16) AND s.sequence = place) THEN
    PERFORM keyhaven.refuse('409', 'ERR_SEQUENCE_TAKEN');
  END IF;
  IF EXISTS (SELECT FROM public.key_log_segments s WHERE s.user_id = person
              HAVING count(*) >= 100000 OR sum(s.size) + octet_length(bytes) > 1073741824) THEN
    PERFORM keyhaven.refuse('507', 'ERR_QUOTA_EXCEEDED');
  END IF;
  SELECT * INTO counters FROM keyhaven.logs WHERE user_id = person;
  UPDATE keyhaven.logs SET last_arrival = last_arrival + 1,
    last_cursor = last_cursor + CASE WHEN waits IS NULL THEN 1 ELSE 0 END,
    tail_segments = tail_segments + CASE WHEN waits IS NULL THEN 1 ELSE 0 END,
    tail_bytes = tail_bytes + CASE WHEN waits IS NULL THEN octet_length(bytes) ELSE 0 END WHERE user_id = person;
  IF waits IS NULL THEN
    UPDATE public.key_log_segments s SET head = false WHERE s.user_id = person AND s.segment_id = ANY (parent_ids) AND s.head;
    IF NOT FOUND AND cardinality(keyhaven.list_heads(person)) >= 512 THEN
      PERFORM keyhaven.refuse('409', 'ERR_TOO_MANY_HEADS');
    END IF;
  END IF;
  INSERT INTO public.key_log_segments (user_id, segment_id, cursor, pending, head, arrival, kind, generation, device_id, sequence, parents, size, segment)
  VALUES (person, id, CASE WHEN waits IS NULL THEN counters.last_cursor + 1 END, waits, waits IS NULL, counters.last_arrival + 1,
    (ARRAY['ways', 'identity', 'conversation', 'snapshot'])[get_byte(bytes, 1)], generation, keyhaven.bytes(p_device, 16), place,
    parent_ids, octet_length(bytes), bytes);
  RETURN '{}';
END $$;

CREATE FUNCTION public.keyhaven_put_slot(
  p_device text, p_way text, p_slot text, p_generation bigint, p_registration text, p_token text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  known public.encrypted_key_backups := keyhaven.backup(person);
  way bytea := keyhaven.bytes(p_way, 16);
  bytes bytea := keyhaven.from_base64(p_slot);
BEGIN
  IF octet_length(bytes) <> 1168 THEN PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED'); END IF;
  IF p_registration IS NULL AND p_generation IS DISTINCT FROM known.key_version THEN
    PERFORM keyhaven.refuse('409', 'ERR_GENERATION_RETIRED');
  END IF;
  IF p_registration IS NOT NULL THEN PERFORM keyhaven.require_change(person, p_registration, p_device); END IF;
  PERFORM keyhaven.require_token(person, p_token);
  IF p_registration IS NULL THEN
    INSERT INTO keyhaven.slots VALUES (person, way, p_generation, bytes)
    ON CONFLICT (user_id, way_id) DO UPDATE SET slot = excluded.slot, generation = excluded.generation;
  ELSE
    INSERT INTO keyhaven.pending_slots VALUES (person, way, bytes)
    ON CONFLICT (user_id, way_id) DO UPDATE SET slot = excluded.slot;
  END IF;
  IF (SELECT count(*) FROM keyhaven.slots WHERE user_id = person) > 256
     OR (SELECT count(*) FROM keyhaven.pending_slots WHERE user_id = person) > 256 THEN
    PERFORM keyhaven.refuse('507', 'ERR_QUOTA_EXCEEDED');
  END IF;
  RETURN '{}';
END $$;

-- As many as fit 1 MiB, at least one; that they were read is written down.
CREATE FUNCTION public.keyhaven_segments(p_device text, p_after bigint) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  frames jsonb;
BEGIN
  SELECT coalesce(jsonb_agg(jsonb_build_object('cursor', s.cursor, 'segment', keyhaven.base64(s.segment)) ORDER BY s.cursor), '[]')
    INTO frames FROM public.key_log_segments s JOIN (
      SELECT segment_id, sum(size) OVER (ORDER BY next.cursor) AS total, row_number() OVER (ORDER BY next.cursor) AS position
        FROM (SELECT segment_id, f.cursor, f.size FROM public.key_log_segments f
               WHERE f.user_id = person AND f.cursor > p_after ORDER BY f.cursor LIMIT 2000) next) measured USING (segment_id)
     WHERE s.user_id = person AND (measured.total <= 1048576 OR measured.position = 1);
  IF frames <> '[]' THEN PERFORM keyhaven.note(person, 'keys_accessed', 'Sealed keys were downloaded.'); END IF;
  RETURN jsonb_build_object('frames', frames, 'newest', (SELECT last_cursor FROM keyhaven.logs WHERE user_id = person));
END $$;

CREATE FUNCTION public.keyhaven_heads(p_device text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
BEGIN
  RETURN (SELECT jsonb_build_object('heads', keyhaven.hexes(keyhaven.list_heads(person)),
      'segments', (SELECT count(*) FROM public.key_log_segments WHERE user_id = person AND cursor IS NOT NULL),
      'bytes', (SELECT coalesce(sum(size), 0) FROM public.key_log_segments WHERE user_id = person AND cursor IS NOT NULL),
      'cursor', l.last_cursor, 'coveredCursor', coalesce((keyhaven.backup(person)).covered_cursor, 0),
      'tail', jsonb_build_object('segments', l.tail_segments, 'bytes', l.tail_bytes))
    FROM keyhaven.logs l WHERE l.user_id = person);
END $$;

CREATE FUNCTION public.keyhaven_slots(p_device text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  inuse bigint := (keyhaven.backup(person)).key_version;
BEGIN
  RETURN jsonb_build_object('generation', inuse, 'slots',
    coalesce((SELECT jsonb_object_agg(encode(way_id, 'hex'), keyhaven.base64(slot)) FROM keyhaven.slots
               WHERE user_id = person AND generation = inuse), '{}'));
END $$;

CREATE FUNCTION public.keyhaven_access_log(p_device text, p_before bigint, p_limit integer) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  listed jsonb;
BEGIN
  IF p_limit NOT BETWEEN 1 AND 200 THEN PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED'); END IF;
  SELECT coalesce(jsonb_agg(jsonb_build_object('sequence', l.sequence, 'hash', encode(l.hash, 'hex'),
      'previous', (SELECT encode(p.hash, 'hex') FROM public.key_access_log p WHERE p.user_id = person AND p.sequence = l.sequence - 1),
      'deviceId', l.device_fingerprint, 'type', l.access_type, 'success', l.success, 'code', l.code, 'message', l.message,
      'createdAt', keyhaven.stamp(l.created_at), 'deviceLabel', NULL, 'address', host(l.ip_address), 'userAgent', l.user_agent,
      'salts', jsonb_build_object('address', encode(l.ip_address_salt, 'hex'), 'userAgent', encode(l.user_agent_salt, 'hex')),
      'commitments', jsonb_build_object('address', encode(l.ip_address_commitment, 'hex'), 'userAgent', encode(l.user_agent_commitment, 'hex')))
      ORDER BY l.sequence DESC), '[]')
    INTO listed FROM (SELECT * FROM public.key_access_log a WHERE a.user_id = person AND a.sequence < coalesce(p_before, 9007199254740991)
             ORDER BY a.sequence DESC LIMIT p_limit) l;
  RETURN jsonb_build_object('head', keyhaven.describe_access_head(person), 'rows', listed,
    'next', CASE WHEN (listed -> -1 ->> 'sequence')::bigint > 1 THEN (listed -> -1 ->> 'sequence')::bigint END);
END $$;

CREATE FUNCTION public.keyhaven_restored(p_device text, p_success boolean, p_identity_keys integer, p_conversation_keys integer) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
BEGIN
  PERFORM keyhaven.note(person, 'keys_restored', CASE WHEN p_success THEN format(
      'The device reported that it restored %s identity keys and %s conversation keys.', p_identity_keys, p_conversation_keys)
    ELSE 'The device reported that it could not restore the keys.' END, p_success, 'REPORTED_BY_CLIENT');
  RETURN '{}';
END $$;

CREATE FUNCTION public.keyhaven_devices(p_device text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
BEGIN
  RETURN jsonb_build_object('devices', coalesce((SELECT jsonb_agg(jsonb_build_object('id', encode(d.device_id, 'hex'), 'label', d.label,
      'firstUsedAt', keyhaven.stamp(d.first_used_at), 'lastUsedAt', keyhaven.stamp(d.last_used_at), 'signedIn', true)
      ORDER BY d.last_used_at DESC) FROM public.key_devices d WHERE d.user_id = person AND d.removed_at IS NULL), '[]'));
END $$;

CREATE FUNCTION public.keyhaven_rename_device(p_device text, p_id text, p_label text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
BEGIN
  IF p_label IS NULL OR char_length(p_label) NOT BETWEEN 1 AND 64 OR p_label ~ '[[:cntrl:]]' THEN
    PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED');
  END IF;
  UPDATE public.key_devices SET label = p_label
   WHERE user_id = person AND device_id = keyhaven.bytes(p_id, 16) AND removed_at IS NULL;
  IF NOT FOUND THEN PERFORM keyhaven.refuse('404', 'ERR_NOT_FOUND'); END IF;
  RETURN '{}';
END $$;

-- The sessions of a removed device are answered nothing any more.
CREATE FUNCTION public.keyhaven_remove_device(p_device text, p_id text, p_token text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  removed bytea := keyhaven.bytes(p_id, 16);
BEGIN
  IF NOT EXISTS (SELECT FROM public.key_devices WHERE user_id = person AND device_id = removed) THEN
    PERFORM keyhaven.refuse('404', 'ERR_NOT_FOUND');
  END IF;
  IF p_id <> p_device THEN PERFORM keyhaven.require_token(person, p_token); END IF;
  IF EXISTS (SELECT FROM keyhaven.pending_changes WHERE user_id = person AND device_id = removed) THEN
    PERFORM keyhaven.give_up(person);
  END IF;
  UPDATE public.key_devices SET removed_at = now() WHERE user_id = person AND device_id = removed AND removed_at IS NULL;
  UPDATE keyhaven.sessions SET ended_at = now() WHERE user_id = person AND device_id = removed AND ended_at IS NULL;
  RETURN '{}';
END $$;

-- With the token at once, without it after seven days.
CREATE FUNCTION public.keyhaven_request_removal(p_device text, p_kind text, p_etag text, p_signature text, p_leave boolean, p_token text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  known public.encrypted_key_backups := keyhaven.backup(person);
  waiting keyhaven.removal_requests;
BEGIN
  IF p_kind IS NULL OR p_kind NOT IN ('backup', 'account', 'fresh-start') THEN PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED'); END IF;
  IF known.registration IS NULL THEN
    IF p_kind <> 'account' THEN RETURN '{"status": "removed"}'; END IF;
    RETURN keyhaven.close_account(person, coalesce(p_leave, false));
  END IF;
  IF known.etag IS DISTINCT FROM p_etag THEN PERFORM keyhaven.refuse('409', 'ERR_POINTER_CONFLICT'); END IF;
  IF p_signature IS NOT NULL THEN
    IF NOT keyhaven.is_proven(person, p_token) THEN PERFORM keyhaven.refuse('403', 'ERR_PROOF_REJECTED'); END IF;
  ELSE
    SELECT * INTO waiting FROM keyhaven.removal_requests WHERE user_id = person;
    IF waiting.kind IS DISTINCT FROM p_kind THEN
      DELETE FROM keyhaven.removal_requests WHERE user_id = person;
      INSERT INTO keyhaven.removal_requests VALUES (person, p_kind, keyhaven.bytes(p_device, 16),
        date_trunc('milliseconds', now()), date_trunc('milliseconds', now()) + interval '7 days') RETURNING * INTO waiting;
    END IF;
    IF waiting.due_at > now() THEN
      RETURN jsonb_build_object('status', 'waiting', 'kind', waiting.kind, 'requestedAt', keyhaven.stamp(waiting.requested_at),
        'dueAt', keyhaven.stamp(waiting.due_at));
    END IF;
  END IF;
  PERFORM keyhaven.give_up(person);
  INSERT INTO keyhaven.retired_registrations (user_id, registration, realms, retired_at, generation, authority)
  VALUES (person, known.registration, known.realms, now(), known.key_version, known.registration_authority);
  DELETE FROM public.encrypted_key_backups WHERE id = known.id;
  DELETE FROM keyhaven.write_tokens WHERE user_id = person;
  DELETE FROM keyhaven.slots WHERE user_id = person;
  DELETE FROM keyhaven.links WHERE user_id = person;
  DELETE FROM public.key_log_segments WHERE user_id = person;
  UPDATE keyhaven.logs SET tail_segments = 0, tail_bytes = 0 WHERE user_id = person;
  UPDATE keyhaven.retired_registrations SET previous_root = NULL WHERE user_id = person;
  DELETE FROM keyhaven.removal_requests WHERE user_id = person;
  INSERT INTO keyhaven.removed_backups VALUES (person, p_kind, known.key_version, known.etag,
    CASE WHEN p_signature IS NOT NULL THEN keyhaven.bytes(p_signature, 64) END, now())
  ON CONFLICT (user_id) DO UPDATE SET (kind, generation, etag, signature, removed_at)
    = (excluded.kind, excluded.generation, excluded.etag, excluded.signature, excluded.removed_at);
  RETURN '{"status": "removed"}';
END $$;

-- Erases names of devices, addresses and user agents; deleting the person from auth.users is the app's.
CREATE FUNCTION keyhaven.close_account(person uuid, leave boolean) RETURNS jsonb LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF NOT leave AND (EXISTS (SELECT FROM keyhaven.retired_registrations WHERE user_id = person)
                    OR EXISTS (SELECT FROM keyhaven.pending_changes WHERE user_id = person)) THEN
    PERFORM keyhaven.refuse('409', 'ERR_REGISTRATION_REMAINS');
  END IF;
  PERFORM keyhaven.note(person, 'account_deleted', 'The account was closed.');
  UPDATE keyhaven.sessions SET ended_at = now() WHERE user_id = person AND ended_at IS NULL;
  UPDATE public.key_devices SET label = 'device', removed_at = coalesce(removed_at, now()) WHERE user_id = person;
  UPDATE public.key_access_log SET ip_address = NULL, ip_address_salt = NULL, user_agent = NULL, user_agent_salt = NULL
   WHERE user_id = person AND sequence IS NOT NULL;
  RETURN '{"status": "closed"}';
END $$;

CREATE FUNCTION public.keyhaven_keep_backup(p_device text, p_token text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
BEGIN
  IF NOT keyhaven.is_proven(person, p_token) THEN PERFORM keyhaven.refuse('403', 'ERR_PROOF_REJECTED'); END IF;
  DELETE FROM keyhaven.removal_requests WHERE user_id = person;
  IF NOT FOUND THEN PERFORM keyhaven.refuse('404', 'ERR_NOT_FOUND'); END IF;
  RETURN '{}';
END $$;

CREATE FUNCTION public.keyhaven_offer_link(p_device text, p_id text, p_message text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  message bytea := keyhaven.from_base64(p_message);
BEGIN
  IF octet_length(message) > 4096 THEN PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED'); END IF;
  DELETE FROM keyhaven.links WHERE user_id = person;
  INSERT INTO keyhaven.links VALUES (person, keyhaven.bytes(p_id, 16), keyhaven.bytes(p_device, 16), NULL, ARRAY[message], now() + interval '5 minutes');
  RETURN '{}';
END $$;

CREATE FUNCTION public.keyhaven_link(p_device text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  found keyhaven.links;
BEGIN
  SELECT * INTO found FROM keyhaven.links WHERE user_id = person AND expires_at > now();
  IF found.link_id IS NULL THEN PERFORM keyhaven.refuse('404', 'ERR_NOT_FOUND'); END IF;
  RETURN jsonb_build_object('id', encode(found.link_id, 'hex'), 'offeredBy', encode(found.offered_by, 'hex'),
    'expiresAt', keyhaven.stamp(found.expires_at),
    'messages', (SELECT jsonb_agg(keyhaven.base64(m) ORDER BY place) FROM unnest(found.messages) WITH ORDINALITY AS t (m, place)));
END $$;

CREATE FUNCTION public.keyhaven_add_link_message(p_device text, p_id text, p_index integer, p_message text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  device bytea := keyhaven.bytes(p_device, 16);
  message bytea := keyhaven.from_base64(p_message);
  found keyhaven.links;
  answers boolean := p_index IN (1, 3);
BEGIN
  IF octet_length(message) > 4096 OR p_index IS NULL OR p_index NOT BETWEEN 1 AND 3 THEN PERFORM keyhaven.refuse('400', 'ERR_BODY_MALFORMED'); END IF;
  SELECT * INTO found FROM keyhaven.links WHERE user_id = person AND link_id = keyhaven.bytes(p_id, 16) AND expires_at > now();
  IF found.link_id IS NULL THEN PERFORM keyhaven.refuse('404', 'ERR_NOT_FOUND'); END IF;
  IF answers = (device = found.offered_by) OR (answers AND found.answered_by <> device) THEN
    PERFORM keyhaven.refuse('409', 'ERR_LINK_TAKEN');
  END IF;
  IF found.messages[p_index + 1] = message THEN RETURN '{}'; END IF;
  IF cardinality(found.messages) <> p_index THEN PERFORM keyhaven.refuse('409', 'ERR_LINK_TAKEN'); END IF;
  UPDATE keyhaven.links SET messages = messages || message, answered_by = CASE WHEN answers THEN device ELSE answered_by END
   WHERE user_id = person;
  RETURN '{}';
END $$;

CREATE FUNCTION public.keyhaven_close_link(p_device text, p_id text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
BEGIN
  DELETE FROM keyhaven.links WHERE user_id = person AND link_id = keyhaven.bytes(p_id, 16);
  RETURN '{}';
END $$;

-- The subject of a registration of his own, for whoever signs realm tokens (docs/protocol.md, "Realm tokens").
CREATE FUNCTION public.keyhaven_realm_subject(p_device text, p_registration text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  named bytea := keyhaven.bytes(p_registration, 16);
BEGIN
  IF named IS DISTINCT FROM (keyhaven.backup(person)).registration
     AND NOT EXISTS (SELECT FROM keyhaven.pending_changes WHERE user_id = person AND registration = named)
     AND NOT EXISTS (SELECT FROM keyhaven.retired_registrations WHERE user_id = person AND registration = named) THEN
    PERFORM keyhaven.refuse('404', 'ERR_NOT_FOUND');
  END IF;
  PERFORM keyhaven.note(person, 'realm_token_issued', 'A device was admitted to the realms.');
  RETURN jsonb_build_object('subject', encode(substring(sha256(
    keyhaven.lp('keyhaven/subject/v1') || keyhaven.lp(uuid_send(person)) || keyhaven.lp(named)) FROM 1 FOR 16), 'hex'));
END $$;

CREATE FUNCTION public.keyhaven_account(p_device text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
BEGIN
  RETURN jsonb_build_object('account', jsonb_build_object('id', person),
    'devices', public.keyhaven_devices(p_device) -> 'devices',
    'sessions', coalesce((SELECT jsonb_agg(jsonb_build_object('device', encode(device_id, 'hex'), 'endedAt', keyhaven.stamp(ended_at)))
                            FROM keyhaven.sessions WHERE user_id = person), '[]'));
END $$;

-- Supabase grants new functions of public to everybody; only who is signed in may call these, and nobody the inner ones.
DO $$
DECLARE
  found record;
BEGIN
  FOR found IN SELECT p.oid::regprocedure AS name, n.nspname AS place FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'keyhaven' OR (n.nspname = 'public' AND p.proname LIKE 'keyhaven\_%')
  LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, anon, authenticated', found.name);
    IF found.place = 'public' THEN EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO authenticated', found.name); END IF;
  END LOOP;
END
$$;
