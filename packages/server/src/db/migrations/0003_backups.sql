-- The key log (sealed segments and slots) and the pointer (docs/protocol.md, "Log" and "Pointer").
--
-- One row of app.logs per account is the lock of everything here: whoever writes takes it first and holds it until
-- the commit, so cursors are given in the order in which they become visible and a reader never misses one.

CREATE TABLE app.logs (
  user_id uuid PRIMARY KEY REFERENCES app.accounts,
  last_cursor bigint NOT NULL DEFAULT 0,
  last_arrival bigint NOT NULL DEFAULT 0,
  segments bigint NOT NULL DEFAULT 0 CHECK (segments >= 0),
  bytes bigint NOT NULL DEFAULT 0 CHECK (bytes >= 0),
  pending_segments bigint NOT NULL DEFAULT 0 CHECK (pending_segments >= 0),
  pending_bytes bigint NOT NULL DEFAULT 0 CHECK (pending_bytes >= 0)
);
COMMENT ON TABLE app.logs IS 'Counters of each account''s key log. A thief of a dump learns how much each has stored.';
ALTER TABLE app.logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.logs FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT (user_id), UPDATE (last_cursor, last_arrival, segments, bytes, pending_segments, pending_bytes)
  ON app.logs TO keyhaven_app;
CREATE POLICY app_select ON app.logs FOR SELECT TO keyhaven_app USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.logs FOR INSERT TO keyhaven_app WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_update ON app.logs FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));

CREATE TABLE app.segments (
  user_id uuid NOT NULL REFERENCES app.accounts,
  segment_id bytea NOT NULL CHECK (octet_length(segment_id) = 32),
  -- Null while the segment waits, invisible, for the commit of the registration in `pending`.
  cursor bigint,
  pending bytea CHECK (octet_length(pending) = 16),
  head boolean NOT NULL,
  arrival bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('ways', 'identity', 'conversation', 'snapshot')),
  generation bigint NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
  device_id bytea NOT NULL,
  sequence bigint NOT NULL CHECK (sequence > 0),
  size int NOT NULL CHECK (size = octet_length(segment)),
  segment bytea NOT NULL CHECK (octet_length(segment) <= 1048576),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, segment_id),
  UNIQUE (user_id, cursor),
  UNIQUE (user_id, device_id, sequence),
  FOREIGN KEY (user_id, device_id) REFERENCES app.devices,
  CHECK ((cursor IS NULL) = (pending IS NOT NULL)),
  CHECK (NOT head OR cursor IS NOT NULL)
);
-- Sealed bytes do not compress; kept out of the line they are read as they are.
ALTER TABLE app.segments ALTER COLUMN segment SET STORAGE EXTERNAL;
CREATE INDEX segments_heads ON app.segments (user_id) WHERE head;
CREATE INDEX segments_pending ON app.segments (user_id, pending, arrival) WHERE pending IS NOT NULL;
COMMENT ON TABLE app.segments IS
  'The key log, sealed on the devices. A thief of a dump learns kinds, sizes, devices and times; nothing that opens a segment is on this server.';
ALTER TABLE app.segments ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.segments FORCE ROW LEVEL SECURITY;
-- What was stored stays as it is: only its place in the log can change, only once, and only invisible segments can go.
GRANT SELECT, INSERT, UPDATE (cursor, pending, head), DELETE ON app.segments TO keyhaven_app;
CREATE POLICY app_select ON app.segments FOR SELECT TO keyhaven_app USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.segments FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_update ON app.segments FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()))
  WITH CHECK (user_id = (SELECT app.current_user_id()) AND cursor IS NOT NULL);
CREATE POLICY app_delete ON app.segments FOR DELETE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()) AND cursor IS NULL);

CREATE TABLE app.segment_parents (
  user_id uuid NOT NULL,
  segment_id bytea NOT NULL,
  parent_id bytea NOT NULL,
  PRIMARY KEY (user_id, segment_id, parent_id),
  FOREIGN KEY (user_id, segment_id) REFERENCES app.segments ON DELETE CASCADE,
  -- Deferred, so that a whole invisible branch can go in one statement.
  FOREIGN KEY (user_id, parent_id) REFERENCES app.segments DEFERRABLE INITIALLY DEFERRED,
  CHECK (segment_id <> parent_id)
);
CREATE INDEX segment_parents_parent ON app.segment_parents (user_id, parent_id);
COMMENT ON TABLE app.segment_parents IS 'Which segment follows which. A thief of a dump learns in what order devices wrote.';
ALTER TABLE app.segment_parents ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.segment_parents FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON app.segment_parents TO keyhaven_app;
CREATE POLICY app_select ON app.segment_parents FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.segment_parents FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));

CREATE TABLE app.pointers (
  user_id uuid PRIMARY KEY REFERENCES app.accounts,
  registration bytea NOT NULL CHECK (octet_length(registration) = 16),
  generation bigint NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
  realms bytea[] NOT NULL,
  anchor bytea NOT NULL,
  authority bytea NOT NULL CHECK (octet_length(authority) = 32),
  signature bytea NOT NULL CHECK (octet_length(signature) = 64),
  etag text NOT NULL,
  device_id bytea NOT NULL,
  committed_at timestamptz NOT NULL,
  FOREIGN KEY (user_id, anchor) REFERENCES app.segments,
  FOREIGN KEY (user_id, device_id) REFERENCES app.devices
);
COMMENT ON TABLE app.pointers IS
  'The registration that is valid for each account. A thief of a dump learns which realms hold its shares, and a public key.';
ALTER TABLE app.pointers ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.pointers FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (registration, generation, realms, anchor, authority, signature, etag, device_id, committed_at)
  ON app.pointers TO keyhaven_app;
CREATE POLICY app_select ON app.pointers FOR SELECT TO keyhaven_app USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.pointers FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_update ON app.pointers FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));

CREATE TABLE app.pending_changes (
  user_id uuid PRIMARY KEY REFERENCES app.accounts,
  registration bytea NOT NULL CHECK (octet_length(registration) = 16),
  generation bigint NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
  realms bytea[] NOT NULL,
  device_id bytea NOT NULL,
  expected_etag text,
  started_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  FOREIGN KEY (user_id, device_id) REFERENCES app.devices
);
COMMENT ON TABLE app.pending_changes IS
  'The one change of the pointer that each account may have under way. A thief of a dump learns who is changing a PIN now.';
ALTER TABLE app.pending_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.pending_changes FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON app.pending_changes TO keyhaven_app;
CREATE POLICY app_select ON app.pending_changes FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.pending_changes FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_delete ON app.pending_changes FOR DELETE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));

CREATE TABLE app.retired_registrations (
  user_id uuid NOT NULL REFERENCES app.accounts,
  registration bytea NOT NULL CHECK (octet_length(registration) = 16),
  realms bytea[] NOT NULL,
  retired_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, registration)
);
COMMENT ON TABLE app.retired_registrations IS
  'Registrations that realms may still hold and that are to be deleted there. A thief of a dump learns which realms.';
ALTER TABLE app.retired_registrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.retired_registrations FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON app.retired_registrations TO keyhaven_app;
CREATE POLICY app_select ON app.retired_registrations FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.retired_registrations FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_delete ON app.retired_registrations FOR DELETE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));

CREATE TABLE app.slots (
  user_id uuid NOT NULL REFERENCES app.accounts,
  way_id bytea NOT NULL CHECK (octet_length(way_id) = 16),
  generation bigint NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
  slot bytea NOT NULL CHECK (octet_length(slot) = 1168),
  PRIMARY KEY (user_id, way_id)
);
ALTER TABLE app.slots ALTER COLUMN slot SET STORAGE EXTERNAL;
COMMENT ON TABLE app.slots IS
  'The root key in use, sealed to each way in. A thief of a dump learns how many ways there are; what opens a slot is on no server.';
ALTER TABLE app.slots ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.slots FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (slot, generation), DELETE ON app.slots TO keyhaven_app;
CREATE POLICY app_select ON app.slots FOR SELECT TO keyhaven_app USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.slots FOR INSERT TO keyhaven_app WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_update ON app.slots FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_delete ON app.slots FOR DELETE TO keyhaven_app USING (user_id = (SELECT app.current_user_id()));

CREATE TABLE app.pending_slots (
  user_id uuid NOT NULL REFERENCES app.accounts,
  registration bytea NOT NULL CHECK (octet_length(registration) = 16),
  way_id bytea NOT NULL CHECK (octet_length(way_id) = 16),
  slot bytea NOT NULL CHECK (octet_length(slot) = 1168),
  PRIMARY KEY (user_id, registration, way_id)
);
ALTER TABLE app.pending_slots ALTER COLUMN slot SET STORAGE EXTERNAL;
COMMENT ON TABLE app.pending_slots IS
  'Slots that wait for the commit of a registration. A thief of a dump learns what he learns from app.slots.';
ALTER TABLE app.pending_slots ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.pending_slots FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (slot), DELETE ON app.pending_slots TO keyhaven_app;
CREATE POLICY app_select ON app.pending_slots FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON app.pending_slots FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_update ON app.pending_slots FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())) WITH CHECK (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_delete ON app.pending_slots FOR DELETE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
