-- Spreads a migrated database over the nodes of Citus 13 by user, and realm records by record. Run it once on the coordinator,
-- as a superuser, before there is much data: psql -v ON_ERROR_STOP=1 -1 -f citus.sql. Transactions of the server touch one user, so
-- each stays on one node. citus.test.ts holds it against the schema.

CREATE EXTENSION IF NOT EXISTS citus;

-- Row-level security reads what a transaction has set with SET LOCAL; workers must hear of it.
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET citus.propagate_set_commands = ''local''', current_database());
END $$;

-- A phone number is found by its hash, before it is known whose it is: so these rows are on every node, and a table that is on every
-- node may not point into one that is spread. The server makes and removes both rows in one transaction.
ALTER TABLE auth.phones DROP CONSTRAINT phones_user_id_fkey;

SELECT create_reference_table('app.installation');
SELECT create_reference_table('auth.phones');
SELECT create_reference_table('realm.epochs');
SELECT create_reference_table('realm.marks');
SELECT create_reference_table('realm.decisions');
-- The messenger's conversations have two users each, so they are nobody's node.
SELECT create_reference_table('messenger.conversations');
SELECT create_reference_table('messenger.messages');
SELECT create_reference_table('messenger.names');
-- So have an account's contacts and what is asked of them.
SELECT create_reference_table('app.contact_sets');
SELECT create_reference_table('app.contact_shares');
SELECT create_reference_table('app.contact_requests');
SELECT create_reference_table('app.contact_answers');

SELECT create_distributed_table('auth.sign_in_codes', 'phone_hash', colocate_with => 'none');
SELECT create_distributed_table('auth.rate_limits', 'bucket', colocate_with => 'none');
SELECT create_distributed_table('realm.records', 'record_id', colocate_with => 'none');
SELECT create_distributed_table('realm.audit', 'record_id', colocate_with => 'realm.records');

SELECT create_distributed_table('app.accounts', 'user_id', colocate_with => 'none');
SELECT create_distributed_table('app.devices', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.sessions', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.access_log', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.access_log_counts', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.access_log_heads', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.logs', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.segments', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.segment_parents', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.pointers', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.pending_changes', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.retired_registrations', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.slots', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.pending_slots', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.webhook_events', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.removal_requests', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.removed_backups', 'user_id', colocate_with => 'app.accounts');
SELECT create_distributed_table('app.links', 'user_id', colocate_with => 'app.accounts');
