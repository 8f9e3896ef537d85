-- A second level is an account of its own, which number and level find together (docs/decisions/0023). Nothing but what the
-- tables say of themselves changes.

COMMENT ON TABLE app.accounts IS
  'One row per person and level. A thief of a dump learns how many there are and since when, and of none which level it is or whose other one; the number is sealed under a key outside the database.';
COMMENT ON TABLE auth.phones IS
  'Finds the account of a phone number, or of a number and a level. A thief of a dump learns nothing without the hash key, which is outside the database; with it he can test numbers, and words of levels.';
COMMENT ON TABLE auth.rate_limits IS
  'Counters of requests per phone number and per address, and of new accounts per number. A thief of a dump learns how busy sign-in was, and how many numbers made several accounts in the same 30 days; names are keyed hashes.';
