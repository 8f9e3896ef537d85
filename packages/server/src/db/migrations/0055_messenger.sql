-- The page's messenger (docs/page.md, "The messenger"): a schema of its own, which only the page's module uses.
-- It points at no other table, so that it stands by itself; who is named in it was signed in.
CREATE SCHEMA messenger;
GRANT USAGE ON SCHEMA messenger TO keyhaven_app;

-- The invitation that this transaction is about, by its address; null, and so none, when there is none.
CREATE FUNCTION messenger.current_invite() RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT decode(nullif(current_setting('app.invite', true), ''), 'hex') $$;
GRANT EXECUTE ON FUNCTION messenger.current_invite() TO keyhaven_app;

CREATE TABLE messenger.conversations (
  user_id uuid NOT NULL,
  conversation_id bytea NOT NULL UNIQUE CHECK (octet_length(conversation_id) = 16),
  identity bytea NOT NULL CHECK (octet_length(identity) = 3201),
  proof bytea NOT NULL CHECK (octet_length(proof) = 32),
  guest_id uuid CHECK (guest_id <> user_id),
  guest_identity bytea CHECK (octet_length(guest_identity) = 3201),
  guest_proof bytea CHECK (octet_length(guest_proof) = 32),
  invite bytea NOT NULL UNIQUE CHECK (octet_length(invite) = 32),
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, conversation_id),
  CHECK (num_nonnulls(guest_id, guest_identity, guest_proof) IN (0, 3))
);
CREATE INDEX conversations_guest ON messenger.conversations (guest_id);
COMMENT ON TABLE messenger.conversations IS
  'Who talks with whom, since when, and their public identities. A thief of a dump learns just that; the address of an invitation does not give its link.';
ALTER TABLE messenger.conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE messenger.conversations FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (guest_id, guest_identity, guest_proof), DELETE ON messenger.conversations TO keyhaven_app;
CREATE POLICY app_select ON messenger.conversations FOR SELECT TO keyhaven_app
  USING ((SELECT app.current_user_id()) IN (user_id, guest_id)
         OR (guest_id IS NULL AND invite = (SELECT messenger.current_invite())));
CREATE POLICY app_insert ON messenger.conversations FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id()) AND guest_id IS NULL);
-- The one change there is: somebody with the link joins.
CREATE POLICY app_join ON messenger.conversations FOR UPDATE TO keyhaven_app
  USING (guest_id IS NULL AND user_id <> (SELECT app.current_user_id()) AND invite = (SELECT messenger.current_invite()))
  WITH CHECK (guest_id = (SELECT app.current_user_id()));
CREATE POLICY app_delete ON messenger.conversations FOR DELETE TO keyhaven_app
  USING ((SELECT app.current_user_id()) IN (user_id, guest_id));

CREATE TABLE messenger.messages (
  user_id uuid NOT NULL,
  conversation_id bytea NOT NULL,
  place int NOT NULL CHECK (place BETWEEN 1 AND 10000),
  sender_id uuid NOT NULL,
  message_id bytea NOT NULL CHECK (octet_length(message_id) = 16),
  body bytea NOT NULL CHECK (octet_length(body) BETWEEN 1 AND 16384),
  sent_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, conversation_id, place),
  UNIQUE (user_id, conversation_id, sender_id, message_id),
  FOREIGN KEY (user_id, conversation_id) REFERENCES messenger.conversations ON DELETE CASCADE
);
COMMENT ON TABLE messenger.messages IS
  'Sealed messages and sealed keys of conversations. A thief of a dump learns who wrote when, how much, and when keys were renewed; not what.';
ALTER TABLE messenger.messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE messenger.messages FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON messenger.messages TO keyhaven_app;
CREATE POLICY app_select ON messenger.messages FOR SELECT TO keyhaven_app
  USING (EXISTS (SELECT FROM messenger.conversations c
    WHERE c.user_id = messages.user_id AND c.conversation_id = messages.conversation_id
      AND (SELECT app.current_user_id()) IN (c.user_id, c.guest_id)));
CREATE POLICY app_insert ON messenger.messages FOR INSERT TO keyhaven_app
  WITH CHECK (sender_id = (SELECT app.current_user_id())
    AND EXISTS (SELECT FROM messenger.conversations c
      WHERE c.user_id = messages.user_id AND c.conversation_id = messages.conversation_id AND c.guest_id IS NOT NULL
        AND (SELECT app.current_user_id()) IN (c.user_id, c.guest_id)));
