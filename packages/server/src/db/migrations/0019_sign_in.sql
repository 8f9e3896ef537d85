-- A sign-in code belongs to the request that it was made for. Whoever does not have that request's id can neither use up
-- its tries nor, by asking for a code himself, replace it.

-- Codes live for five minutes; a sign-in that is under way now begins again.
DELETE FROM auth.sign_in_codes;
ALTER TABLE auth.sign_in_codes
  ADD COLUMN request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
  DROP CONSTRAINT sign_in_codes_pkey,
  ADD PRIMARY KEY (phone_hash, request_hash);
COMMENT ON TABLE auth.sign_in_codes IS
  'The sign-in codes of a number, each for five minutes. A thief of a dump learns when sign-ins were begun; ids of requests are random and hashed, and a code''s hash is keyed from outside the database.';

-- Sessions that ended, or ran out, go after a while.
GRANT DELETE ON app.sessions TO keyhaven_auth;
-- The sweeper sees when sessions that are due ended, and can only remove them. A session is due 30 days after its end, whatever
-- the transaction says.
CREATE POLICY auth_sweep_select ON app.sessions FOR SELECT TO keyhaven_auth
  USING (current_setting('app.session_sweep', true) = 'on' AND least(ended_at, expires_at) < now() - interval '30 days');
CREATE POLICY auth_sweep ON app.sessions FOR DELETE TO keyhaven_auth
  USING (current_setting('app.session_sweep', true) = 'on' AND least(ended_at, expires_at) < now() - interval '30 days');
CREATE INDEX sessions_end ON app.sessions (least(ended_at, expires_at));
