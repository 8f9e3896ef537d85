-- What lets an older copy of the database be told from the newest one: a mark that moves on each second while a server with a
-- journal runs. The journal, a second store, notes each mark; a database that is behind its journal was restored.

CREATE TABLE realm.marks (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  position bigint NOT NULL CHECK (position > 0),
  mark bytea NOT NULL CHECK (octet_length(mark) = 16)
);
COMMENT ON TABLE realm.marks IS
  'A count of seconds in which the realm''s servers ran, and a random value that went with the last one. A thief of a dump learns how long they have run.';
ALTER TABLE realm.marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE realm.marks FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON realm.marks TO keyhaven_realm;
CREATE POLICY realm_select ON realm.marks FOR SELECT TO keyhaven_realm USING (true);
CREATE POLICY realm_insert ON realm.marks FOR INSERT TO keyhaven_realm WITH CHECK (true);
CREATE POLICY realm_update ON realm.marks FOR UPDATE TO keyhaven_realm USING (true) WITH CHECK (true);

-- What the realm's operator decided, in order; no login of the server's may change or remove a row.
CREATE TABLE realm.decisions (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  decision text NOT NULL CHECK (decision ~ '^[a-z]+(-[a-z]+)*$'),
  details jsonb NOT NULL
);
COMMENT ON TABLE realm.decisions IS
  'What the realm''s operator decided about it as a whole, and when. A thief of a dump learns just that: key ids, names of tenants, numbers of records.';
ALTER TABLE realm.decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE realm.decisions FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON realm.decisions TO keyhaven_realm;
CREATE POLICY realm_select ON realm.decisions FOR SELECT TO keyhaven_realm USING (true);
CREATE POLICY realm_insert ON realm.decisions FOR INSERT TO keyhaven_realm WITH CHECK (true);
