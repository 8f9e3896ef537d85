-- The ground: nothing for PUBLIC, one schema for the users' data, one for sign-in, one for the realm, and the two functions
-- that every policy asks whose transaction this is. The three logins exist already (db/logins.ts).

REVOKE ALL ON SCHEMA public FROM PUBLIC;
DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END $$;
DO $$ BEGIN
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO keyhaven_app, keyhaven_auth, keyhaven_realm', current_database());
END $$;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;

CREATE SCHEMA app;
CREATE SCHEMA auth;
CREATE SCHEMA realm;
GRANT USAGE ON SCHEMA app TO keyhaven_app, keyhaven_auth;
GRANT USAGE ON SCHEMA auth TO keyhaven_auth;
GRANT USAGE ON SCHEMA realm TO keyhaven_realm;

-- The transaction's user; null, and so no rows, when there is none.
CREATE FUNCTION app.current_user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.user_id', true), '')::uuid $$;
GRANT EXECUTE ON FUNCTION app.current_user_id() TO keyhaven_app, keyhaven_auth;

-- The transaction's realm record; null, and so no rows, when there is none.
CREATE FUNCTION realm.current_record_id() RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT decode(nullif(current_setting('app.record_id', true), ''), 'hex') $$;
GRANT EXECUTE ON FUNCTION realm.current_record_id() TO keyhaven_realm;

-- What the servers over this database must agree on, written once: the realm's id and fingerprints of the keys outside.
CREATE TABLE app.installation (
  name text PRIMARY KEY,
  value bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE app.installation IS
  'The realm''s id and one-way fingerprints of the servers'' keys. A thief of a dump learns the id, and can tell a key that he already has from another.';
ALTER TABLE app.installation ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.installation FORCE ROW LEVEL SECURITY;
CREATE POLICY app_select ON app.installation FOR SELECT TO keyhaven_app USING (true);
CREATE POLICY app_insert ON app.installation FOR INSERT TO keyhaven_app WITH CHECK (true);
GRANT SELECT, INSERT ON app.installation TO keyhaven_app;
