-- The authority key signs the pointer for the account's devices, and can be handed on; a registration at the realms stays bound
-- to the key that it was made with (docs/protocol.md, "Pointer").

ALTER TABLE app.pointers
  -- Grows by one with each commit.
  ADD COLUMN serial bigint NOT NULL DEFAULT 1 CHECK (serial > 0),
  ADD COLUMN statement bytea CHECK (octet_length(statement) = 64),
  -- Null: the authority key in use.
  ADD COLUMN registration_authority bytea CHECK (octet_length(registration_authority) = 32);
GRANT UPDATE (serial, statement, registration_authority) ON app.pointers TO keyhaven_app;
COMMENT ON TABLE app.pointers IS
  'The registration that is valid for each account. A thief of a dump learns which realms hold its shares, how often it was changed, and public keys.';

ALTER TABLE app.retired_registrations
  ADD COLUMN authority bytea CHECK (octet_length(authority) = 32);
