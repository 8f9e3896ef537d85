-- The access log as a chain: each row names the hash of the one before it, and the server signs the newest with a key
-- outside the database (docs/formats.md, "Access log"). Nothing was released with the rows of before, so the table is made anew.

DROP TABLE app.access_log;

CREATE TABLE app.access_log_heads (
  user_id uuid PRIMARY KEY REFERENCES app.accounts,
  sequence bigint NOT NULL DEFAULT 0 CHECK (sequence >= 0),
  hash bytea CHECK (octet_length(hash) = 32),
  signature bytea CHECK (octet_length(signature) = 64),
  CHECK ((sequence = 0) = (hash IS NULL) AND (hash IS NULL) = (signature IS NULL))
);
COMMENT ON TABLE app.access_log_heads IS
  'The newest row of each access log, signed; its lock is what orders the rows. A thief of a dump learns how many rows there are; the signing key is outside the database.';
INSERT INTO app.access_log_heads (user_id) SELECT user_id FROM app.accounts;
ALTER TABLE app.access_log_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.access_log_heads FORCE ROW LEVEL SECURITY;
GRANT SELECT, UPDATE (sequence, hash, signature) ON app.access_log_heads TO keyhaven_app, keyhaven_auth;
GRANT INSERT (user_id) ON app.access_log_heads TO keyhaven_auth;
CREATE POLICY app_select ON app.access_log_heads FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_update ON app.access_log_heads FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_select ON app.access_log_heads FOR SELECT TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_insert ON app.access_log_heads FOR INSERT TO keyhaven_auth
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_update ON app.access_log_heads FOR UPDATE TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));

CREATE TABLE app.access_log (
  user_id uuid NOT NULL REFERENCES app.accounts,
  sequence bigint NOT NULL CHECK (sequence > 0),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  device_id bytea CHECK (octet_length(device_id) = 16),
  type text NOT NULL,
  success boolean NOT NULL,
  code text,
  message text NOT NULL,
  created_at timestamptz NOT NULL,
  -- The chain holds commitments only, so that a value and its salt can go and the row still be verified.
  device_label text,
  device_label_salt bytea CHECK (octet_length(device_label_salt) = 16),
  device_label_commitment bytea CHECK (octet_length(device_label_commitment) = 32),
  address text CHECK (char_length(address) <= 45),
  address_salt bytea CHECK (octet_length(address_salt) = 16),
  address_commitment bytea CHECK (octet_length(address_commitment) = 32),
  user_agent text CHECK (char_length(user_agent) <= 256),
  user_agent_salt bytea CHECK (octet_length(user_agent_salt) = 16),
  user_agent_commitment bytea CHECK (octet_length(user_agent_commitment) = 32),
  PRIMARY KEY (user_id, sequence),
  CHECK ((device_label IS NULL) = (device_label_salt IS NULL)),
  CHECK ((address IS NULL) = (address_salt IS NULL)),
  CHECK ((user_agent IS NULL) = (user_agent_salt IS NULL))
);
CREATE INDEX access_log_erasable ON app.access_log (created_at)
  WHERE address_salt IS NOT NULL OR user_agent_salt IS NOT NULL;
COMMENT ON TABLE app.access_log IS
  'What was done with an account, for its owner. A thief of a dump learns times and device labels, and the addresses and user agents of the last 90 days; no key, no number.';
ALTER TABLE app.access_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.access_log FORCE ROW LEVEL SECURITY;
-- Rows are only ever added: neither login may change or remove one, but for the erasure below.
GRANT SELECT, INSERT ON app.access_log TO keyhaven_app;
GRANT INSERT, SELECT (user_id, sequence, created_at, address_salt, user_agent_salt),
  UPDATE (address, address_salt, user_agent, user_agent_salt) ON app.access_log TO keyhaven_auth;
CREATE POLICY app_select ON app.access_log FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.access_log FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_insert ON app.access_log FOR INSERT TO keyhaven_auth
  WITH CHECK (user_id = (SELECT app.current_user_id()));
-- The sweeper sees when rows that are due were written, and can do one thing with them: erase address and user agent.
CREATE POLICY auth_sweep_select ON app.access_log FOR SELECT TO keyhaven_auth
  USING (created_at < nullif(current_setting('app.erase_before', true), '')::timestamptz);
CREATE POLICY auth_sweep ON app.access_log FOR UPDATE TO keyhaven_auth
  USING (created_at < nullif(current_setting('app.erase_before', true), '')::timestamptz)
  WITH CHECK (num_nonnulls(address, address_salt, user_agent, user_agent_salt) = 0);
