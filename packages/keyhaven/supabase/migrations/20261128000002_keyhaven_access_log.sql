-- Keyhaven in a Supabase project: the access log. Triggers write its rows and chain them (docs/formats.md, "Access log,
-- format 1"); nobody changes or deletes one, whatever he was granted.

CREATE FUNCTION keyhaven.lp(bytes bytea) RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = '' AS
$$ SELECT int4send(octet_length(bytes)) || bytes $$;

CREATE FUNCTION keyhaven.lp(words text) RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = '' AS
$$ SELECT keyhaven.lp(convert_to(words, 'UTF8')) $$;

-- 16 random bytes by PostgreSQL's own generator; a UUID has 122 random bits.
CREATE FUNCTION keyhaven.salt() RETURNS bytea LANGUAGE sql VOLATILE SET search_path = '' AS
$$ SELECT uuid_send(gen_random_uuid()) $$;

CREATE FUNCTION keyhaven.commitment(field text, salt bytea, value text) RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = '' AS
$$ SELECT sha256(keyhaven.lp('keyhaven/access-log-value/v1') || keyhaven.lp(field) || keyhaven.lp(salt) || keyhaven.lp(value)) $$;

-- The address as the gateway tells it: the first of x-forwarded-for, which whoever asks may have written himself.
CREATE FUNCTION keyhaven.request_address() RETURNS inet LANGUAGE plpgsql STABLE SET search_path = '' AS $$
DECLARE
  headers json := nullif(current_setting('request.headers', true), '')::json;
BEGIN
  RETURN host(nullif(trim(split_part(headers ->> 'x-forwarded-for', ',', 1)), '')::inet)::inet;
EXCEPTION WHEN others THEN
  RETURN NULL;
END $$;

CREATE FUNCTION keyhaven.request_user_agent() RETURNS text LANGUAGE sql STABLE SET search_path = '' AS
$$ SELECT left(nullif(current_setting('request.headers', true), '')::json ->> 'user-agent', 256) $$;

-- Adds a row; of each type and outcome at most 200 on a day (UTC).
CREATE FUNCTION keyhaven.note(person uuid, what text, message text, succeeded boolean DEFAULT true, said text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  known bigint;
BEGIN
  SELECT count(*) INTO known FROM (
    SELECT FROM public.key_access_log l WHERE l.user_id = person AND l.sequence IS NOT NULL AND l.access_type = what
       AND l.success = succeeded AND l.created_at >= date_trunc('day', now(), 'UTC') LIMIT 200) today;
  IF known >= 200 THEN RETURN; END IF;
  IF known = 199 THEN message := message || ' More of this kind on this day are not listed.'; END IF;
  INSERT INTO public.key_access_log (user_id, device_fingerprint, access_type, success, error_message, ip_address, user_agent, code, message)
  VALUES (person, nullif(current_setting('keyhaven.device', true), ''), what, succeeded,
          CASE WHEN succeeded THEN NULL ELSE message END, keyhaven.request_address(), keyhaven.request_user_agent(), said, message);
END $$;
CREATE INDEX keyhaven_access_days ON public.key_access_log (user_id, access_type, created_at);

-- Whoever inserts, place and hash are these and no others.
CREATE FUNCTION keyhaven.chain_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  head keyhaven.access_heads;
  device bytea := '';
BEGIN
  INSERT INTO keyhaven.access_heads (user_id) VALUES (NEW.user_id) ON CONFLICT DO NOTHING;
  SELECT * INTO head FROM keyhaven.access_heads WHERE user_id = NEW.user_id FOR UPDATE;
  NEW.sequence := head.sequence + 1;
  NEW.created_at := date_trunc('milliseconds', now());
  NEW.message := coalesce(NEW.message, NEW.error_message, '');
  NEW.ip_address_salt := CASE WHEN NEW.ip_address IS NOT NULL THEN keyhaven.salt() END;
  NEW.user_agent_salt := CASE WHEN NEW.user_agent IS NOT NULL THEN keyhaven.salt() END;
  NEW.ip_address_commitment := keyhaven.commitment('address', NEW.ip_address_salt, host(NEW.ip_address));
  NEW.user_agent_commitment := keyhaven.commitment('user_agent', NEW.user_agent_salt, NEW.user_agent);
  IF NEW.device_fingerprint ~ '^[0-9a-f]{32}$' THEN device := decode(NEW.device_fingerprint, 'hex'); ELSE NEW.device_fingerprint := NULL; END IF;
  NEW.hash := sha256(
    keyhaven.lp('keyhaven/access-log/v1') || keyhaven.lp(uuid_send(NEW.user_id)) || int8send(NEW.sequence)
    || keyhaven.lp(coalesce(head.hash, '')) || keyhaven.lp(device) || keyhaven.lp(NEW.access_type)
    || CASE WHEN NEW.success THEN '\x01'::bytea ELSE '\x00'::bytea END
    || keyhaven.lp(coalesce(NEW.code, '')) || keyhaven.lp(NEW.message)
    || int8send((extract(epoch FROM NEW.created_at) * 1000)::bigint)
    || keyhaven.lp(''::bytea) || keyhaven.lp(coalesce(NEW.ip_address_commitment, '')) || keyhaven.lp(coalesce(NEW.user_agent_commitment, '')));
  UPDATE keyhaven.access_heads SET sequence = NEW.sequence, hash = NEW.hash WHERE user_id = NEW.user_id;
  RETURN NEW;
END $$;
CREATE TRIGGER chain BEFORE INSERT ON public.key_access_log FOR EACH ROW EXECUTE FUNCTION keyhaven.chain_row();

-- The one change that there is: addresses and user agents are erased, and their commitments stay.
CREATE FUNCTION keyhaven.refuse_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  erased public.key_access_log;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    erased := OLD;
    erased.ip_address := NULL; erased.ip_address_salt := NULL; erased.user_agent := NULL; erased.user_agent_salt := NULL;
    IF NEW IS NOT DISTINCT FROM erased THEN RETURN NEW; END IF;
  ELSIF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM auth.users WHERE id = OLD.user_id) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'rows of the access log are neither changed nor deleted';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON public.key_access_log FOR EACH ROW EXECUTE FUNCTION keyhaven.refuse_change();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON public.key_access_log FOR EACH STATEMENT EXECUTE FUNCTION keyhaven.refuse_change();

CREATE FUNCTION keyhaven.note_backup() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.registration IS NULL THEN RETURN NULL; END IF;
    PERFORM keyhaven.note(NEW.user_id, 'backup_created', 'A backup was created.');
    PERFORM keyhaven.note(NEW.user_id, 'pointer_moved', 'The PIN registration in use was changed.');
  ELSIF TG_OP = 'DELETE' THEN
    IF OLD.registration IS NULL OR NOT EXISTS (SELECT FROM auth.users WHERE id = OLD.user_id) THEN RETURN NULL; END IF;
    PERFORM keyhaven.note(OLD.user_id, 'backup_deleted', 'The backup was deleted.');
  ELSIF NEW.etag IS DISTINCT FROM OLD.etag THEN
    PERFORM keyhaven.note(NEW.user_id, 'backup_updated', 'Sealed keys were added to the backup.');
    IF NEW.registration <> OLD.registration THEN
      PERFORM keyhaven.note(NEW.user_id, 'pointer_moved', 'The PIN registration in use was changed.');
    ELSIF NEW.key_version <> OLD.key_version THEN
      PERFORM keyhaven.note(NEW.user_id, 'root_rotated', 'The root key of the backup was changed.');
    ELSE
      PERFORM keyhaven.note(NEW.user_id, 'log_shortened', 'The backup was put together anew, and older parts of it were dropped.');
    END IF;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON public.encrypted_key_backups
  FOR EACH ROW EXECUTE FUNCTION keyhaven.note_backup();

CREATE FUNCTION keyhaven.note_segment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NEW.cursor IS NOT NULL THEN
    PERFORM keyhaven.note(NEW.user_id, 'backup_updated', 'Sealed keys were added to the backup.');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON public.key_log_segments FOR EACH ROW EXECUTE FUNCTION keyhaven.note_segment();

CREATE FUNCTION keyhaven.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM keyhaven.note(NEW.user_id, 'registration_started', 'A change of the PIN registration was begun.');
  ELSIF EXISTS (SELECT FROM auth.users WHERE id = OLD.user_id) AND OLD.expected_etag IS NOT DISTINCT FROM
        (SELECT etag FROM public.encrypted_key_backups WHERE user_id = OLD.user_id AND registration IS NOT NULL) THEN
    PERFORM keyhaven.note(OLD.user_id, 'registration_abandoned', 'A change of the PIN registration was given up.');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR DELETE ON keyhaven.pending_changes FOR EACH ROW EXECUTE FUNCTION keyhaven.note_change();

CREATE FUNCTION keyhaven.note_removal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM keyhaven.note(NEW.user_id, 'removal_requested',
      'Somebody who is signed in asked, without the backup’s key, to have it deleted or replaced; that is done after a wait.');
  ELSIF EXISTS (SELECT FROM public.encrypted_key_backups WHERE user_id = OLD.user_id AND registration IS NOT NULL) THEN
    PERFORM keyhaven.note(OLD.user_id, 'removal_cancelled', 'The wait before the backup would be deleted was ended by its owner.');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR DELETE ON keyhaven.removal_requests FOR EACH ROW EXECUTE FUNCTION keyhaven.note_removal();

CREATE FUNCTION keyhaven.note_device() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM keyhaven.note(NEW.user_id, 'device_added', 'A device signed in for the first time.');
  ELSIF NEW.removed_at IS NOT NULL AND OLD.removed_at IS NULL THEN
    PERFORM keyhaven.note(NEW.user_id, 'device_removed', 'A device was removed.');
  ELSIF NEW.label <> OLD.label THEN
    PERFORM keyhaven.note(NEW.user_id, 'device_renamed', 'A device was given another name.');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON public.key_devices FOR EACH ROW EXECUTE FUNCTION keyhaven.note_device();

CREATE FUNCTION keyhaven.note_session() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM keyhaven.note(NEW.user_id, 'signed_in', 'A device signed in.');
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON keyhaven.sessions FOR EACH ROW EXECUTE FUNCTION keyhaven.note_session();

CREATE FUNCTION keyhaven.note_released() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF EXISTS (SELECT FROM auth.users WHERE id = OLD.user_id) THEN
    PERFORM keyhaven.note(OLD.user_id, 'registration_deleted',
      'The device reported that every realm deleted an old PIN registration.', true, 'REPORTED_BY_CLIENT');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER DELETE ON keyhaven.retired_registrations FOR EACH ROW EXECUTE FUNCTION keyhaven.note_released();
