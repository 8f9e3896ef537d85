-- Whose records a realm holds: a tenant's records can be counted, and be moved to another operator. A record's id is a hash that
-- does not tell; records from before get their tenant when they are next written.

ALTER TABLE realm.records ADD COLUMN tenant text CHECK (tenant ~ '^(test-)?[a-zA-Z0-9]+$');
CREATE INDEX records_tenant ON realm.records (tenant, record_id);
COMMENT ON TABLE realm.records IS
  'One share of each registration. A thief of a dump learns how many there are and of which app, how many guesses each has used and when it was last used, and a public key for each; shares are sealed under a key outside the database. With that key too, he can try PINs at the cost of the PIN hash if this is the only realm.';

-- The last decision about a tenant says whether its records are answered for here; a file is imported once.
ALTER TABLE realm.decisions
  ADD COLUMN tenant text CHECK (tenant ~ '^(test-)?[a-zA-Z0-9]+$'),
  ADD COLUMN transfer bytea CHECK (octet_length(transfer) = 16);
CREATE INDEX decisions_tenant ON realm.decisions (tenant, sequence DESC) WHERE tenant IS NOT NULL;
CREATE UNIQUE INDEX decisions_imported ON realm.decisions (transfer) WHERE decision = 'tenant-imported';

-- The operator's commands read all records, as they are stored: sealed.
CREATE POLICY realm_look ON realm.records FOR SELECT TO keyhaven_realm
  USING (current_setting('app.realm_look', true) = 'on');
CREATE POLICY realm_import ON realm.records FOR INSERT TO keyhaven_realm
  WITH CHECK (tenant = nullif(current_setting('app.realm_import', true), ''));
-- What was exported, and nothing else, can be removed as a whole.
CREATE POLICY realm_forget ON realm.records FOR DELETE TO keyhaven_realm
  USING (tenant = nullif(current_setting('app.realm_forget', true), '')
         AND 'tenant-exported' = (SELECT d.decision FROM realm.decisions d
                                   WHERE d.tenant = records.tenant ORDER BY d.sequence DESC LIMIT 1));
