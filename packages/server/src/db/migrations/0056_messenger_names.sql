-- What each member of a conversation calls the other one, for his own devices alone.
CREATE TABLE messenger.names (
  user_id uuid NOT NULL,
  conversation_id bytea NOT NULL REFERENCES messenger.conversations (conversation_id) ON DELETE CASCADE,
  name bytea NOT NULL CHECK (octet_length(name) = 305),
  PRIMARY KEY (user_id, conversation_id)
);
CREATE INDEX names_conversation ON messenger.names (conversation_id);
COMMENT ON TABLE messenger.names IS
  'A sealed name of a fixed length for each member. A thief of a dump learns which conversations were given a name; not the name.';
ALTER TABLE messenger.names ENABLE ROW LEVEL SECURITY;
ALTER TABLE messenger.names FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (name) ON messenger.names TO keyhaven_app;
CREATE POLICY app_select ON messenger.names FOR SELECT TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()));
CREATE POLICY app_insert ON messenger.names FOR INSERT TO keyhaven_app
  WITH CHECK (user_id = (SELECT app.current_user_id())
    AND EXISTS (SELECT FROM messenger.conversations c
      WHERE c.conversation_id = names.conversation_id
        AND (SELECT app.current_user_id()) IN (c.user_id, c.guest_id)));
CREATE POLICY app_update ON messenger.names FOR UPDATE TO keyhaven_app
  USING (user_id = (SELECT app.current_user_id()))
  WITH CHECK (user_id = (SELECT app.current_user_id()));

-- Keys of epochs stand among the messages and are few: what is left is the count that a person sees.
CREATE INDEX messages_keys ON messenger.messages (user_id, conversation_id)
  WHERE substring(body FROM 1 FOR 1) = '\x01'::bytea;
