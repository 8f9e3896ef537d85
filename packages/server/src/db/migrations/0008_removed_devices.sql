-- Devices that their user renames and removes. A removed one stays as a row, since the key log names its writers.

ALTER TABLE app.devices ADD COLUMN removed_at timestamptz;
COMMENT ON TABLE app.devices IS
  'The devices that signed in. A thief of a dump learns their labels, when they were used, and which were removed; ids are random.';
GRANT UPDATE (label, removed_at) ON app.devices TO keyhaven_app;
CREATE POLICY app_update ON app.devices FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));
-- A device that signs in again is there again.
GRANT UPDATE (removed_at) ON app.devices TO keyhaven_auth;
