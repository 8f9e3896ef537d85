-- What the realm did about an app's records, for the app's operator, who reads it with a token of his own. A row names its record by the
-- record's id, which the app derives from its own subject, and nothing else of anybody.

CREATE TABLE realm.audit (
  record_id bytea NOT NULL CHECK (octet_length(record_id) = 32),
  event_id bytea NOT NULL CHECK (octet_length(event_id) = 16),
  tenant text NOT NULL CHECK (tenant ~ '^(test-)?[a-zA-Z0-9]+$'),
  type text NOT NULL CHECK (type IN ('registered', 'guess_used', 'share_recovered', 'deleted')),
  happened_at timestamptz NOT NULL,
  PRIMARY KEY (record_id, event_id)
);
COMMENT ON TABLE realm.audit IS
  'What was done about the records of apps that sign their own realm tokens, for as long as the operator says. A thief of a dump learns when each record was registered, tried, recovered and deleted, and of which app it is; a record''s id is a hash of the app''s own name for its user.';
CREATE INDEX audit_feed ON realm.audit (tenant, happened_at, event_id);
CREATE INDEX audit_age ON realm.audit (happened_at);
ALTER TABLE realm.audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE realm.audit FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON realm.audit TO keyhaven_realm;
CREATE POLICY realm_insert ON realm.audit FOR INSERT TO keyhaven_realm
  WITH CHECK (record_id = (SELECT realm.current_record_id()));
-- A feed is one tenant's; requests about records read nothing of it.
CREATE POLICY realm_feed ON realm.audit FOR SELECT TO keyhaven_realm
  USING (tenant = nullif(current_setting('app.realm_audit', true), ''));
-- The sweeper sees and removes only what is older than a day, whatever the transaction says.
CREATE POLICY realm_sweep_select ON realm.audit FOR SELECT TO keyhaven_realm
  USING (current_setting('app.realm_audit_sweep', true) = 'on' AND happened_at < now() - interval '1 day');
CREATE POLICY realm_sweep ON realm.audit FOR DELETE TO keyhaven_realm
  USING (current_setting('app.realm_audit_sweep', true) = 'on' AND happened_at < now() - interval '1 day');
