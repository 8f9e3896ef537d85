-- A commit that says that the PIN is another (docs/protocol.md, "Pointer"): the access log has the device's word for it.
ALTER FUNCTION public.keyhaven_commit_change(text, jsonb, text, text) SET SCHEMA keyhaven;
ALTER FUNCTION keyhaven.keyhaven_commit_change(text, jsonb, text, text) RENAME TO commit_change;
REVOKE ALL ON FUNCTION keyhaven.commit_change(text, jsonb, text, text) FROM PUBLIC, anon, authenticated;

CREATE FUNCTION public.keyhaven_commit_change(p_device text, p_commit jsonb, p_token text, p_next_token_hash text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid := keyhaven.actor(p_device);
  before bytea := (keyhaven.backup(person)).registration;
  answer jsonb := keyhaven.commit_change(p_device, p_commit, p_token, p_next_token_hash);
BEGIN
  IF p_commit -> 'newPin' = 'true' AND before <> (keyhaven.backup(person)).registration THEN
    PERFORM keyhaven.note(person, 'pin_changed', 'The device reported that the PIN was changed.', true, 'REPORTED_BY_CLIENT');
  END IF;
  RETURN answer;
END $$;
REVOKE ALL ON FUNCTION public.keyhaven_commit_change(text, jsonb, text, text) FROM PUBLIC, anon, authenticated;
GRANT EXECUTE ON FUNCTION public.keyhaven_commit_change(text, jsonb, text, text) TO authenticated;
