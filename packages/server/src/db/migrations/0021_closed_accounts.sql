-- The access log of a closed account keeps what was done and when; names of devices, addresses and user agents go at once.
-- The chain holds commitments only, so the rows can still be verified.

GRANT SELECT (device_label_salt), UPDATE (device_label, device_label_salt) ON app.access_log TO keyhaven_auth;
CREATE POLICY auth_close_select ON app.access_log FOR SELECT TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()) AND current_setting('app.closing', true) = 'on');
CREATE POLICY auth_close ON app.access_log FOR UPDATE TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()) AND current_setting('app.closing', true) = 'on')
  WITH CHECK (user_id = (SELECT app.current_user_id())
              AND num_nonnulls(device_label, device_label_salt, address, address_salt, user_agent, user_agent_salt) = 0);
