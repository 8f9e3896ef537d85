-- Trusted contacts (docs/protocol.md, "Contacts"): shares of a way into one account's backup, sealed to other accounts' identities, and
-- what a device of the first asks of them. Rows here are about two users each, so they point at no table that belongs to one.
CREATE TABLE app.contact_sets (
  user_id uuid PRIMARY KEY,
  way_id bytea NOT NULL CHECK (octet_length(way_id) = 16),
  threshold int NOT NULL CHECK (threshold BETWEEN 2 AND 10),
  wait_days int NOT NULL CHECK (wait_days BETWEEN 0 AND 90)
);
COMMENT ON TABLE app.contact_sets IS
  'Who has trusted contacts, and how many of them are needed. A thief of a dump learns just that.';
ALTER TABLE app.contact_sets ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.contact_sets FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON app.contact_sets TO keyhaven_app;
CREATE POLICY app_select ON app.contact_sets FOR SELECT TO keyhaven_app USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.contact_sets FOR INSERT TO keyhaven_app WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_delete ON app.contact_sets FOR DELETE TO keyhaven_app USING (user_id = (SELECT app.current_user_id()));

CREATE TABLE app.contact_shares (
  user_id uuid NOT NULL REFERENCES app.contact_sets ON DELETE CASCADE,
  place int NOT NULL CHECK (place BETWEEN 1 AND 10),
  contact_id uuid NOT NULL CHECK (contact_id <> user_id),
  names bytea NOT NULL CHECK (octet_length(names) = 1681),
  share bytea NOT NULL CHECK (octet_length(share) = 67),
  PRIMARY KEY (user_id, place),
  UNIQUE (user_id, contact_id)
);
CREATE INDEX contact_shares_contact ON app.contact_shares (contact_id);
COMMENT ON TABLE app.contact_shares IS
  'Shares, each sealed to a contact''s identity. A thief of a dump learns who trusts whom; a share opens only with that contact''s private key.';
ALTER TABLE app.contact_shares ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.contact_shares FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON app.contact_shares TO keyhaven_app;
CREATE POLICY app_select ON app.contact_shares FOR SELECT TO keyhaven_app
  USING ((SELECT app.current_user_id()) IN (user_id, contact_id));
CREATE POLICY app_insert ON app.contact_shares FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
-- An account that is closed is nobody's contact any more.
GRANT SELECT (contact_id), DELETE ON app.contact_shares TO keyhaven_auth;
CREATE POLICY auth_select ON app.contact_shares FOR SELECT TO keyhaven_auth
  USING (contact_id = (SELECT app.current_user_id()) AND current_setting('app.closing', true) = 'on');
CREATE POLICY auth_delete ON app.contact_shares FOR DELETE TO keyhaven_auth
  USING (contact_id = (SELECT app.current_user_id()) AND current_setting('app.closing', true) = 'on');

CREATE TABLE app.contact_requests (
  user_id uuid NOT NULL REFERENCES app.contact_sets ON DELETE CASCADE,
  device_id bytea NOT NULL CHECK (octet_length(device_id) = 16),
  request_id bytea NOT NULL CHECK (octet_length(request_id) = 16),
  label text NOT NULL CHECK (char_length(label) BETWEEN 1 AND 64),
  public_key bytea NOT NULL CHECK (octet_length(public_key) = 1216),
  requested_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL CHECK (due_at >= requested_at),
  expires_at timestamptz NOT NULL CHECK (expires_at > due_at),
  PRIMARY KEY (user_id, device_id),
  UNIQUE (user_id, request_id)
);
COMMENT ON TABLE app.contact_requests IS
  'What devices ask of their account''s contacts. A thief of a dump learns which device asked when, and a public key.';
ALTER TABLE app.contact_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.contact_requests FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON app.contact_requests TO keyhaven_app;
CREATE POLICY app_select ON app.contact_requests FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())
         OR EXISTS (SELECT FROM app.contact_shares s
                     WHERE s.user_id = contact_requests.user_id AND s.contact_id = (SELECT app.current_user_id())));
CREATE POLICY app_insert ON app.contact_requests FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_delete ON app.contact_requests FOR DELETE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
-- Those whose time is over go, whosever they are.
GRANT SELECT (user_id, request_id), DELETE ON app.contact_requests TO keyhaven_auth;
CREATE POLICY auth_sweep_select ON app.contact_requests FOR SELECT TO keyhaven_auth
  USING (current_setting('app.contact_sweep', true) = 'on' AND expires_at < now());
CREATE POLICY auth_sweep ON app.contact_requests FOR DELETE TO keyhaven_auth
  USING (current_setting('app.contact_sweep', true) = 'on' AND expires_at < now());

CREATE TABLE app.contact_answers (
  user_id uuid NOT NULL,
  request_id bytea NOT NULL,
  place int NOT NULL CHECK (place BETWEEN 1 AND 10),
  answer bytea NOT NULL CHECK (octet_length(answer) = 1188),
  PRIMARY KEY (user_id, request_id, place),
  FOREIGN KEY (user_id, request_id) REFERENCES app.contact_requests (user_id, request_id) ON DELETE CASCADE
);
COMMENT ON TABLE app.contact_answers IS
  'Shares, each sealed anew to the key of the device that asked. A thief of a dump learns how many contacts answered; they open only with that device''s key.';
ALTER TABLE app.contact_answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.contact_answers FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON app.contact_answers TO keyhaven_app;
CREATE POLICY app_select ON app.contact_answers FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())
         OR EXISTS (SELECT FROM app.contact_shares s
                     WHERE s.user_id = contact_answers.user_id AND s.place = contact_answers.place
                       AND s.contact_id = (SELECT app.current_user_id())));
CREATE POLICY app_insert ON app.contact_answers FOR INSERT TO keyhaven_app
  WITH CHECK (EXISTS (SELECT FROM app.contact_shares s
                       WHERE s.user_id = contact_answers.user_id AND s.place = contact_answers.place
                         AND s.contact_id = (SELECT app.current_user_id())));
