-- A device may seal the whole state of a generation again and let what came before it go (docs/protocol.md, "Pointer").

-- What has come since the generation, or its last snapshot, began; tells a device when another snapshot is worth it.
ALTER TABLE app.logs
  ADD COLUMN tail_segments bigint NOT NULL DEFAULT 0 CHECK (tail_segments >= 0),
  ADD COLUMN tail_bytes bigint NOT NULL DEFAULT 0 CHECK (tail_bytes >= 0);
GRANT UPDATE (tail_segments, tail_bytes) ON app.logs TO keyhaven_app;

-- Everything of the generation in use up to this cursor is covered by its snapshot, whose commit the authority key signed.
ALTER TABLE app.pointers ADD COLUMN covered_cursor bigint NOT NULL DEFAULT 0 CHECK (covered_cursor >= 0);
GRANT UPDATE (covered_cursor) ON app.pointers TO keyhaven_app;

-- Visible segments can go, but only those of a generation that is out of use (all, without a backup), and those that are covered.
DROP POLICY app_delete ON app.segments;
CREATE POLICY app_delete ON app.segments FOR DELETE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())
         AND (cursor IS NULL
              OR generation < coalesce(
                (SELECT generation FROM app.pointers WHERE user_id = (SELECT app.current_user_id())), 4294967296)
              OR cursor <= (SELECT covered_cursor FROM app.pointers WHERE user_id = (SELECT app.current_user_id()))));
