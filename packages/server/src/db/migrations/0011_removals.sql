-- Deleting a backup or an account, and starting afresh: at once with the backup's authority key, without it after a wait.

CREATE TABLE app.removal_requests (
  user_id uuid PRIMARY KEY REFERENCES app.accounts,
  kind text NOT NULL CHECK (kind IN ('backup', 'account', 'fresh-start')),
  device_id bytea NOT NULL CHECK (octet_length(device_id) = 16),
  requested_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL CHECK (due_at > requested_at)
);
COMMENT ON TABLE app.removal_requests IS
  'The one deletion without the backup''s key that each account may wait for. A thief of a dump learns who has asked to have a backup deleted, and when.';
ALTER TABLE app.removal_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.removal_requests FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON app.removal_requests TO keyhaven_app;
CREATE POLICY app_select ON app.removal_requests FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.removal_requests FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_delete ON app.removal_requests FOR DELETE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));

-- What tells the account's other devices that the backup which they know was deleted, and by whom.
CREATE TABLE app.removed_backups (
  user_id uuid PRIMARY KEY REFERENCES app.accounts,
  kind text NOT NULL CHECK (kind IN ('backup', 'account', 'fresh-start')),
  generation bigint NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
  etag text NOT NULL,
  -- Null when nobody signed and the wait was over.
  signature bytea CHECK (octet_length(signature) = 64),
  removed_at timestamptz NOT NULL
);
COMMENT ON TABLE app.removed_backups IS
  'The last backup that each account deleted. A thief of a dump learns who deleted one, and when.';
ALTER TABLE app.removed_backups ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.removed_backups FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (kind, generation, etag, signature, removed_at) ON app.removed_backups TO keyhaven_app;
CREATE POLICY app_select ON app.removed_backups FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.removed_backups FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_update ON app.removed_backups FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));

GRANT DELETE ON app.pointers TO keyhaven_app;
CREATE POLICY app_delete ON app.pointers FOR DELETE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
-- Visible segments can go: those of a generation that is out of use, and all once there is no backup any more.
DROP POLICY app_delete ON app.segments;
CREATE POLICY app_delete ON app.segments FOR DELETE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())
         AND (cursor IS NULL
              OR generation < coalesce(
                (SELECT generation FROM app.pointers WHERE user_id = (SELECT app.current_user_id())), 4294967296)));

-- Nor does anybody need what opened the generations before.
GRANT UPDATE (previous_root) ON app.retired_registrations TO keyhaven_app;
CREATE POLICY app_update ON app.retired_registrations FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()))
  WITH CHECK (user_id = (SELECT app.current_user_id()) AND previous_root IS NULL);

-- A closed account keeps its access log, without number, sessions and names of devices.
ALTER TABLE app.accounts ALTER COLUMN phone_sealed DROP NOT NULL;
GRANT UPDATE (phone_sealed) ON app.accounts TO keyhaven_auth;
CREATE POLICY auth_update ON app.accounts FOR UPDATE TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()))
  WITH CHECK (user_id = (SELECT app.current_user_id()) AND phone_sealed IS NULL);
GRANT DELETE ON auth.phones TO keyhaven_auth;
CREATE POLICY auth_select_own ON auth.phones FOR SELECT TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_delete ON auth.phones FOR DELETE TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()));
GRANT DELETE ON app.sessions TO keyhaven_auth;
CREATE POLICY auth_delete ON app.sessions FOR DELETE TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()));
