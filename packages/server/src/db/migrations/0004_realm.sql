-- The realm's records (recovery-protocol.md): one row for each registration, found by SHA-256 of tenant and subject.
-- No foreign key and no account: the schema may live in a database of its own.

CREATE TABLE realm.records (
  record_id bytea PRIMARY KEY CHECK (octet_length(record_id) = 32),
  state text NOT NULL CHECK (state IN ('registered', 'no-guesses')),
  version bytea CHECK (octet_length(version) = 16),
  num_guesses int CHECK (num_guesses BETWEEN 1 AND 65535),
  guess_count int CHECK (guess_count BETWEEN 0 AND num_guesses),
  unlock_key_tag_hash bytea CHECK (octet_length(unlock_key_tag_hash) = 32),
  -- Inputs charged since the last reset, 41 bytes each: SHA-256 ‖ Unix milliseconds (8) ‖ free repeats (1).
  charged bytea CHECK (octet_length(charged) % 41 = 0),
  last_attempt_until timestamptz,
  sealed bytea,
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (state <> 'registered' OR num_nulls(version, num_guesses, guess_count, unlock_key_tag_hash, charged, sealed) = 0),
  CHECK (state <> 'no-guesses' OR
    num_nonnulls(version, num_guesses, guess_count, unlock_key_tag_hash, charged, last_attempt_until, sealed) = 0)
);
COMMENT ON TABLE realm.records IS
  'One share of each registration. A thief of a dump learns how many there are, how many guesses each has used and when it was last used; shares are sealed under a key outside the database. With that key too, he can try PINs at the cost of the PIN hash if this is the only realm.';
CREATE INDEX records_last_attempt ON realm.records (last_attempt_until) WHERE last_attempt_until IS NOT NULL;
ALTER TABLE realm.records ENABLE ROW LEVEL SECURITY;
ALTER TABLE realm.records FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON realm.records TO keyhaven_realm;
CREATE POLICY realm_select ON realm.records FOR SELECT TO keyhaven_realm
  USING (record_id = (SELECT realm.current_record_id()));
CREATE POLICY realm_insert ON realm.records FOR INSERT TO keyhaven_realm
  WITH CHECK (record_id = (SELECT realm.current_record_id()));
CREATE POLICY realm_update ON realm.records FOR UPDATE TO keyhaven_realm
  USING (record_id = (SELECT realm.current_record_id()))
  WITH CHECK (record_id = (SELECT realm.current_record_id()));
CREATE POLICY realm_delete ON realm.records FOR DELETE TO keyhaven_realm
  USING (record_id = (SELECT realm.current_record_id()));
-- The sweeper sees no record; all it can do with any of them is destroy it once its last attempt's window is over.
CREATE POLICY realm_sweep ON realm.records FOR UPDATE TO keyhaven_realm
  USING (current_setting('app.realm_sweep', true) = 'on' AND last_attempt_until <= now())
  WITH CHECK (current_setting('app.realm_sweep', true) = 'on' AND state = 'no-guesses');
