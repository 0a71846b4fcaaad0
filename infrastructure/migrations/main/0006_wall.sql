-- Every tenant is a wall (README D13), and each part may do its own work only (README D2).

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['event', 'event_queue', 'sequenced', 'ledger_head', 'subject_fence', 'reservation',
                             'seat', 'busy_block', 'catalog', 'offering', 'kept_answer', 'agenda_v1'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_wall ON %I TO {{app}} USING (tenant_id = wall()) '
                       'WITH CHECK (tenant_id = wall())', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['event', 'event_queue', 'sequenced', 'ledger_head'] LOOP
        EXECUTE format('CREATE POLICY all_tenants ON %I TO {{sequencer}} USING (true) WITH CHECK (true)', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['event', 'sequenced', 'ledger_head', 'agenda_v1'] LOOP
        EXECUTE format('CREATE POLICY every_tenant ON %I TO {{follower}} USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {{app}}, {{sequencer}}, {{follower}};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {{app}}, {{sequencer}}, {{follower}};

GRANT SELECT, INSERT ON event, event_queue TO {{app}};
GRANT SELECT ON sequenced, ledger_head, subject_fence, read_model, agenda_v1 TO {{app}};
GRANT SELECT, INSERT, UPDATE, DELETE ON reservation, seat, busy_block, catalog, offering, kept_answer TO {{app}};

GRANT SELECT ON event TO {{sequencer}};
GRANT SELECT, DELETE ON event_queue TO {{sequencer}};
GRANT SELECT, INSERT ON sequenced TO {{sequencer}};
GRANT SELECT, INSERT, UPDATE ON ledger_head TO {{sequencer}};
GRANT SELECT, UPDATE ON sequencer_head TO {{sequencer}};
GRANT SELECT ON SEQUENCE event_queue_qid_seq TO {{sequencer}};

GRANT SELECT ON event, sequenced, ledger_head TO {{follower}};
GRANT SELECT, INSERT, UPDATE ON read_model TO {{follower}};
GRANT SELECT, INSERT, UPDATE, DELETE ON agenda_v1 TO {{follower}};
