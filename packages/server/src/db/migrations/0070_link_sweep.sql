-- Mailboxes for linking whose five minutes are over go, whosever they are.
GRANT SELECT (user_id), DELETE ON app.links TO keyhaven_auth;
CREATE POLICY auth_sweep_select ON app.links FOR SELECT TO keyhaven_auth
  USING (current_setting('app.link_sweep', true) = 'on' AND expires_at < now());
CREATE POLICY auth_sweep ON app.links FOR DELETE TO keyhaven_auth
  USING (current_setting('app.link_sweep', true) = 'on' AND expires_at < now());
