-- What an old generation of the key log leaves: it can go once no realm may hold a registration of it any more.

-- Null where the registration never was in use, or was retired before this was written down.
ALTER TABLE app.retired_registrations
  ADD COLUMN generation bigint CHECK (generation BETWEEN 1 AND 4294967295),
  ADD COLUMN previous_root bytea CHECK (octet_length(previous_root) = 48);
COMMENT ON TABLE app.retired_registrations IS
  'Registrations that realms may still hold and that are to be deleted there, and the root key of their generation, sealed under the next one. A thief of a dump learns which realms.';

-- A new generation follows segments of the old one: what is dropped takes that note with it.
ALTER TABLE app.segment_parents
  DROP CONSTRAINT segment_parents_user_id_parent_id_fkey,
  ADD FOREIGN KEY (user_id, parent_id) REFERENCES app.segments ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;

-- Visible segments can go, but only those of a generation that is out of use.
DROP POLICY app_delete ON app.segments;
CREATE POLICY app_delete ON app.segments FOR DELETE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id())
         AND (cursor IS NULL
              OR generation < (SELECT generation FROM app.pointers WHERE user_id = (SELECT app.current_user_id()))));
