-- Whoever signs in by an outside issuer's token has no phone number: his account is found by a hash of issuer and subject, under a key of
-- its own, in the place of a number's hash.
COMMENT ON TABLE auth.phones IS
  'Finds the account of a phone number, or of an outside issuer''s subject. A thief of a dump learns nothing without the hash keys, which are outside the database; with them he can test numbers and subjects.';
COMMENT ON TABLE app.accounts IS
  'One row per person. A thief of a dump learns how many there are and since when, and which have a phone number; the number is sealed under a key outside the database.';
