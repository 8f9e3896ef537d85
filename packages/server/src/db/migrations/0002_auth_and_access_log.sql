-- Accounts, sign-in, sessions, devices and the access log.
--
-- keyhaven_auth works before there is a user: it sees the rows of the phone number whose keyed hash the transaction
-- names, and, once it knows the account, that account's. keyhaven_app works for one signed-in user.
-- Tables of sign-in that are looked up before the user is known are keyed by a keyed hash; all others lead with the user.

-- The phone number's keyed hash that this transaction is about; null, and so no rows, when there is none.
CREATE FUNCTION auth.current_phone_hash() RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT decode(nullif(current_setting('app.phone_hash', true), ''), 'hex') $$;
GRANT EXECUTE ON FUNCTION auth.current_phone_hash() TO keyhaven_auth;

CREATE TABLE app.accounts (
  user_id uuid PRIMARY KEY,
  phone_sealed bytea NOT NULL,
  created_at timestamptz NOT NULL
);
COMMENT ON TABLE app.accounts IS
  'One row per person. A thief of a dump learns how many there are and since when; the number is sealed under a key outside the database.';
ALTER TABLE app.accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.accounts FORCE ROW LEVEL SECURITY;
GRANT SELECT (user_id, created_at) ON app.accounts TO keyhaven_app;
GRANT SELECT (user_id, created_at), INSERT ON app.accounts TO keyhaven_auth;
CREATE POLICY app_select ON app.accounts FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_select ON app.accounts FOR SELECT TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_insert ON app.accounts FOR INSERT TO keyhaven_auth
  WITH CHECK (user_id = (SELECT app.current_user_id()));

CREATE TABLE auth.phones (
  phone_hash bytea PRIMARY KEY CHECK (octet_length(phone_hash) = 32),
  user_id uuid NOT NULL UNIQUE REFERENCES app.accounts
);
COMMENT ON TABLE auth.phones IS
  'Finds the account of a phone number. A thief of a dump learns nothing without the hash key, which is outside the database; with it he can test numbers.';
ALTER TABLE auth.phones ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.phones FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON auth.phones TO keyhaven_auth;
CREATE POLICY auth_select ON auth.phones FOR SELECT TO keyhaven_auth
  USING (phone_hash = (SELECT auth.current_phone_hash()));
CREATE POLICY auth_insert ON auth.phones FOR INSERT TO keyhaven_auth
  WITH CHECK (phone_hash = (SELECT auth.current_phone_hash()) AND user_id = (SELECT app.current_user_id()));

CREATE TABLE auth.sign_in_codes (
  phone_hash bytea PRIMARY KEY CHECK (octet_length(phone_hash) = 32),
  code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
  tries smallint NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
  expires_at timestamptz NOT NULL
);
CREATE INDEX sign_in_codes_expires_at ON auth.sign_in_codes (expires_at);
COMMENT ON TABLE auth.sign_in_codes IS
  'The sign-in code of a number, for five minutes. A thief of a dump learns when sign-ins were begun; the code''s hash is keyed from outside the database.';
ALTER TABLE auth.sign_in_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.sign_in_codes FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.sign_in_codes TO keyhaven_auth;
-- Expired rows are open to the sweep; they are worth nothing.
CREATE POLICY auth_select ON auth.sign_in_codes FOR SELECT TO keyhaven_auth
  USING (phone_hash = (SELECT auth.current_phone_hash()) OR expires_at < now());
CREATE POLICY auth_insert ON auth.sign_in_codes FOR INSERT TO keyhaven_auth
  WITH CHECK (phone_hash = (SELECT auth.current_phone_hash()));
CREATE POLICY auth_update ON auth.sign_in_codes FOR UPDATE TO keyhaven_auth
  USING (phone_hash = (SELECT auth.current_phone_hash()) OR expires_at < now())
  WITH CHECK (phone_hash = (SELECT auth.current_phone_hash()));
CREATE POLICY auth_delete ON auth.sign_in_codes FOR DELETE TO keyhaven_auth
  USING (phone_hash = (SELECT auth.current_phone_hash()) OR expires_at < now());

CREATE TABLE auth.rate_limits (
  bucket bytea PRIMARY KEY CHECK (octet_length(bucket) = 32),
  used int NOT NULL,
  ends_at timestamptz NOT NULL
);
CREATE INDEX rate_limits_ends_at ON auth.rate_limits (ends_at);
COMMENT ON TABLE auth.rate_limits IS
  'Counters of requests per phone number and per address. A thief of a dump learns how busy sign-in was; names are keyed hashes.';
ALTER TABLE auth.rate_limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.rate_limits FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.rate_limits TO keyhaven_auth;
CREATE POLICY auth_select ON auth.rate_limits FOR SELECT TO keyhaven_auth USING (true);
CREATE POLICY auth_insert ON auth.rate_limits FOR INSERT TO keyhaven_auth WITH CHECK (true);
CREATE POLICY auth_update ON auth.rate_limits FOR UPDATE TO keyhaven_auth USING (true) WITH CHECK (true);
CREATE POLICY auth_delete ON auth.rate_limits FOR DELETE TO keyhaven_auth USING (true);

CREATE TABLE app.devices (
  user_id uuid NOT NULL REFERENCES app.accounts,
  device_id bytea NOT NULL CHECK (octet_length(device_id) = 16),
  label text NOT NULL CHECK (char_length(label) BETWEEN 1 AND 64),
  first_used_at timestamptz NOT NULL,
  last_used_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, device_id)
);
COMMENT ON TABLE app.devices IS
  'The devices that signed in. A thief of a dump learns their labels and when they were used; ids are random.';
ALTER TABLE app.devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.devices FORCE ROW LEVEL SECURITY;
GRANT SELECT ON app.devices TO keyhaven_app;
GRANT SELECT, INSERT, UPDATE (label, last_used_at) ON app.devices TO keyhaven_auth;
CREATE POLICY app_select ON app.devices FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_select ON app.devices FOR SELECT TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_insert ON app.devices FOR INSERT TO keyhaven_auth
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_update ON app.devices FOR UPDATE TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));

CREATE TABLE app.sessions (
  user_id uuid NOT NULL,
  session_id uuid NOT NULL,
  device_id bytea NOT NULL,
  secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
  previous_hash bytea CHECK (octet_length(previous_hash) = 32),
  rotated_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (user_id, session_id),
  FOREIGN KEY (user_id, device_id) REFERENCES app.devices
);
COMMENT ON TABLE app.sessions IS
  'Sign-in sessions. A thief of a dump learns when each was used; only hashes of refresh tokens are here, so he can resume none.';
ALTER TABLE app.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.sessions FORCE ROW LEVEL SECURITY;
GRANT SELECT (user_id, session_id, device_id, expires_at, ended_at), UPDATE (ended_at) ON app.sessions TO keyhaven_app;
GRANT SELECT, INSERT, UPDATE (secret_hash, previous_hash, rotated_at, expires_at, ended_at) ON app.sessions TO keyhaven_auth;
CREATE POLICY app_select ON app.sessions FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_update ON app.sessions FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()) AND ended_at IS NULL)
  WITH CHECK (user_id = (SELECT app.current_user_id()) AND ended_at IS NOT NULL);
CREATE POLICY auth_select ON app.sessions FOR SELECT TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_insert ON app.sessions FOR INSERT TO keyhaven_auth
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_update ON app.sessions FOR UPDATE TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()) AND ended_at IS NULL)
  WITH CHECK (user_id = (SELECT app.current_user_id()));

CREATE TABLE app.access_log (
  user_id uuid NOT NULL REFERENCES app.accounts,
  row_id uuid NOT NULL,
  device_id bytea CHECK (octet_length(device_id) = 16),
  device_label text,
  type text NOT NULL,
  success boolean NOT NULL,
  code text,
  message text NOT NULL,
  address inet,
  user_agent text CHECK (char_length(user_agent) <= 256),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, row_id)
);
COMMENT ON TABLE app.access_log IS
  'What was done with an account, for its owner. A thief of a dump learns times, addresses, user agents and device labels; no key, no number.';
ALTER TABLE app.access_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.access_log FORCE ROW LEVEL SECURITY;
-- Rows are only ever added: neither login may change or remove one.
GRANT SELECT, INSERT ON app.access_log TO keyhaven_app;
GRANT INSERT ON app.access_log TO keyhaven_auth;
CREATE POLICY app_select ON app.access_log FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.access_log FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_insert ON app.access_log FOR INSERT TO keyhaven_auth
  WITH CHECK (user_id = (SELECT app.current_user_id()));
