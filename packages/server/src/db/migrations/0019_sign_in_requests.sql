-- A sign-in code belongs to the request that it was made for. Whoever does not have that request's id can neither use up
-- its tries nor, by asking for a code himself, replace it.

-- Codes live for five minutes; a sign-in that is under way now begins again.
DELETE FROM auth.sign_in_codes;
ALTER TABLE auth.sign_in_codes
  ADD COLUMN request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
  DROP CONSTRAINT sign_in_codes_pkey,
  ADD PRIMARY KEY (phone_hash, request_hash);
COMMENT ON TABLE auth.sign_in_codes IS
  'The sign-in codes of a number, each for five minutes. A thief of a dump learns when sign-ins were begun; ids of requests are random and hashed, and a code''s hash is keyed from outside the database.';
