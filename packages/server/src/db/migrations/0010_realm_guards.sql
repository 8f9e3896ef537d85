-- Realm records get a guard (the authority key that they are bound to, and the cooling period of a token that wants to
-- replace or delete them without it), and a count of the day's evaluations. Records from before have neither.

ALTER TABLE realm.records
  ADD COLUMN authority bytea CHECK (octet_length(authority) = 32),
  ADD COLUMN cooling_until timestamptz CHECK (cooling_until IS NULL OR authority IS NOT NULL),
  -- The day, in days since 1970 (UTC), and the guesses that were counted on it.
  ADD COLUMN spent_day int CHECK (spent_day >= 0),
  ADD COLUMN spent_evaluations int CHECK (spent_evaluations >= 0);

-- A guarded record whose share is gone keeps its version, which is random: the proof that removes it names it. (The sweeper
-- leaves every version, for it may read no column.)
DO $$
DECLARE found name;
BEGIN
  SELECT conname INTO STRICT found FROM pg_constraint
   WHERE conrelid = 'realm.records'::regclass AND contype = 'c'
     AND pg_get_constraintdef(oid) LIKE '%num_nonnulls%';
  EXECUTE format('ALTER TABLE realm.records DROP CONSTRAINT %I', found);
END $$;
ALTER TABLE realm.records ADD CONSTRAINT records_no_guesses CHECK (state <> 'no-guesses' OR
  (num_nonnulls(num_guesses, guess_count, unlock_key_tag_hash, charged, last_attempt_until, sealed,
                spent_day, spent_evaluations) = 0
   AND (version IS NOT NULL OR authority IS NULL)));

COMMENT ON TABLE realm.records IS
  'One share of each registration. A thief of a dump learns how many there are, how many guesses each has used and when it was last used, and a public key for each; shares are sealed under a key outside the database. With that key too, he can try PINs at the cost of the PIN hash if this is the only realm.';
