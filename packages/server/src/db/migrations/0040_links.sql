-- The mailbox through which a device that is signed in is let into the backup by another one (docs/protocol.md, "Links").
CREATE TABLE app.links (
  user_id uuid PRIMARY KEY REFERENCES app.accounts,
  link_id bytea NOT NULL CHECK (octet_length(link_id) = 16),
  offered_by bytea NOT NULL CHECK (octet_length(offered_by) = 16),
  answered_by bytea CHECK (octet_length(answered_by) = 16 AND answered_by <> offered_by),
  messages bytea[] NOT NULL CHECK (cardinality(messages) BETWEEN 1 AND 4),
  expires_at timestamptz NOT NULL
);
COMMENT ON TABLE app.links IS
  'One mailbox of an account, for five minutes. A thief of a dump learns that a device asked to be let in, its label, a public key, random numbers, and a root key that is sealed to a key which is on no server.';
ALTER TABLE app.links ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.links FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (link_id, offered_by, answered_by, messages, expires_at), DELETE ON app.links TO keyhaven_app;
CREATE POLICY app_select ON app.links FOR SELECT TO keyhaven_app USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.links FOR INSERT TO keyhaven_app WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_update ON app.links FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_delete ON app.links FOR DELETE TO keyhaven_app USING (user_id = (SELECT app.current_user_id()));
