-- An account's phone number can be changed: by its own transaction, to the number that the transaction has shown a code of.

GRANT UPDATE (phone_hash) ON auth.phones TO keyhaven_auth;
CREATE POLICY auth_change_select ON auth.phones FOR SELECT TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_change ON auth.phones FOR UPDATE TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()))
  WITH CHECK (user_id = (SELECT app.current_user_id()) AND phone_hash = (SELECT auth.current_phone_hash()));
GRANT UPDATE (phone_sealed) ON app.accounts TO keyhaven_auth;
CREATE POLICY auth_change ON app.accounts FOR UPDATE TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));

-- What the operator's webhook is still to be told, where the server has one. A row goes once it was delivered.
CREATE TABLE app.webhook_events (
  user_id uuid NOT NULL REFERENCES app.accounts,
  event_id uuid NOT NULL,
  type text NOT NULL,
  success boolean NOT NULL,
  sequence bigint NOT NULL,
  created_at timestamptz NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  due_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, event_id)
);
CREATE INDEX webhook_events_due ON app.webhook_events (due_at);
COMMENT ON TABLE app.webhook_events IS
  'Notices on their way to the operator''s webhook. A thief of a dump learns of a few rows of app.access_log, for minutes.';
ALTER TABLE app.webhook_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.webhook_events FORCE ROW LEVEL SECURITY;
GRANT INSERT ON app.webhook_events TO keyhaven_app, keyhaven_auth;
GRANT SELECT, UPDATE (attempts, due_at), DELETE ON app.webhook_events TO keyhaven_auth;
CREATE POLICY app_insert ON app.webhook_events FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_insert ON app.webhook_events FOR INSERT TO keyhaven_auth
  WITH CHECK (user_id = (SELECT app.current_user_id()));
-- The sender works for no user; it says so, and sees what is on its way.
CREATE POLICY auth_send_select ON app.webhook_events FOR SELECT TO keyhaven_auth
  USING (current_setting('app.webhook', true) = 'on');
CREATE POLICY auth_send_update ON app.webhook_events FOR UPDATE TO keyhaven_auth
  USING (current_setting('app.webhook', true) = 'on') WITH CHECK (current_setting('app.webhook', true) = 'on');
CREATE POLICY auth_send_delete ON app.webhook_events FOR DELETE TO keyhaven_auth
  USING (current_setting('app.webhook', true) = 'on');
