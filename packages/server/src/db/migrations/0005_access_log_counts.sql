-- How many rows of each kind an account's access log got on the last day that it got one. The log lists a bounded number
-- of each kind a day, so that nobody, the account's own devices included, can fill it or bury other kinds in it.

CREATE TABLE app.access_log_counts (
  user_id uuid NOT NULL REFERENCES app.accounts,
  type text NOT NULL,
  success boolean NOT NULL,
  day date NOT NULL,
  events bigint NOT NULL,
  PRIMARY KEY (user_id, type, success)
);
COMMENT ON TABLE app.access_log_counts IS
  'Counters beside the access log. A thief of a dump learns what he learns from app.access_log, and how often things beyond its daily bound happened.';
ALTER TABLE app.access_log_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.access_log_counts FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (day, events) ON app.access_log_counts TO keyhaven_app, keyhaven_auth;
CREATE POLICY app_select ON app.access_log_counts FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.access_log_counts FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_update ON app.access_log_counts FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_select ON app.access_log_counts FOR SELECT TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_insert ON app.access_log_counts FOR INSERT TO keyhaven_auth
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY auth_update ON app.access_log_counts FOR UPDATE TO keyhaven_auth
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));
