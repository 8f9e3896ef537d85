-- Realm records are sealed under the key of an epoch. This table knows the epochs, never their keys: when each began, when
-- the next one took over, when its last record had been sealed anew, and when its key was destroyed.

CREATE TABLE realm.epochs (
  key_id bytea PRIMARY KEY CHECK (octet_length(key_id) = 8),
  began_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz,
  emptied_at timestamptz CHECK (emptied_at IS NULL OR retired_at IS NOT NULL),
  destroyed_at timestamptz CHECK (destroyed_at IS NULL OR emptied_at IS NOT NULL)
);
COMMENT ON TABLE realm.epochs IS
  'When the realm''s records were sealed under which key. A thief of a dump learns the keys'' one-way ids, and can tell a key that he already has from another.';
-- One epoch is the current one.
CREATE UNIQUE INDEX epochs_current ON realm.epochs ((true)) WHERE retired_at IS NULL;
ALTER TABLE realm.epochs ENABLE ROW LEVEL SECURITY;
ALTER TABLE realm.epochs FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (retired_at, emptied_at, destroyed_at) ON realm.epochs TO keyhaven_realm;
CREATE POLICY realm_select ON realm.epochs FOR SELECT TO keyhaven_realm USING (true);
CREATE POLICY realm_insert ON realm.epochs FOR INSERT TO keyhaven_realm WITH CHECK (retired_at IS NULL);
CREATE POLICY realm_update ON realm.epochs FOR UPDATE TO keyhaven_realm
  USING (destroyed_at IS NULL) WITH CHECK (retired_at IS NOT NULL);

-- Which key a record is sealed under stands in its sealed part (docs/formats.md).
ALTER TABLE realm.records ADD COLUMN key_id bytea GENERATED ALWAYS AS (substring(sealed FROM 2 FOR 8)) STORED;
CREATE INDEX records_key ON realm.records (key_id, record_id) WHERE key_id IS NOT NULL;
-- Sealing anew has to find its records. It sees those of ended epochs, and none once all are done.
CREATE POLICY realm_reseal ON realm.records FOR SELECT TO keyhaven_realm
  USING (current_setting('app.realm_reseal', true) = 'on' AND key_id IS NOT NULL
         AND key_id IS DISTINCT FROM (SELECT e.key_id FROM realm.epochs e WHERE e.retired_at IS NULL));
