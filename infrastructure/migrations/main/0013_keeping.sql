-- The keeper reads everything and compares it; the restorer brings back what a restored database lacks. README D8.

-- The logs that are being brought back, and how far: kept until all of it is done, so that it can be taken up again.
CREATE TABLE recovery (
    tenant_id uuid    NOT NULL PRIMARY KEY,
    found     bigint  NOT NULL CHECK (found >= 0),
    restored  bigint  NOT NULL CHECK (restored > found),
    rebuilt   boolean NOT NULL DEFAULT false
);

-- One row: how far the present round of the scrub has come, and when it was done; and the one before it.
CREATE TABLE scrub (
    one              boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    sequence         bigint      NOT NULL,
    begun_at         timestamptz NOT NULL,
    finished_at      timestamptz,
    last_begun_at    timestamptz,
    last_finished_at timestamptz
);
-- What is not as it should be, since when, and when it was seen last; gone once a whole round has not seen it.
CREATE TABLE scrub_finding (
    tenant_id uuid        NOT NULL,
    position  bigint      NOT NULL,
    reason    text        NOT NULL,
    found_at  timestamptz NOT NULL,
    seen_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, position, reason)
);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['recovery', 'scrub_finding'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['event', 'event_queue', 'sequenced', 'ledger_head', 'ledger_tile', 'ledger_checkpoint',
                             'reservation', 'seat', 'busy_block', 'catalog', 'offering', 'recovery',
                             'scrub_finding', 'subject_leaf', 'map_leaf', 'subject_chain', 'subject_map'] LOOP
        EXECUTE format('CREATE POLICY keeping ON %I TO {{keeper}} USING (true) WITH CHECK (true)', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['event', 'event_queue', 'sequenced', 'ledger_head', 'ledger_tile', 'reservation', 'seat',
                             'busy_block', 'catalog', 'offering', 'agenda_v1', 'recovery'] LOOP
        EXECUTE format('CREATE POLICY restoring ON %I TO {{restorer}} USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA public TO {{keeper}}, {{restorer}};
GRANT EXECUTE ON FUNCTION wall TO {{keeper}}, {{restorer}};

GRANT SELECT ON event, event_queue, sequenced, ledger_head, sequencer_head, ledger_tile, ledger_checkpoint, reservation,
    seat, busy_block, catalog, offering, read_model, recovery, subject_index, subject_leaf, map_leaf, subject_chain,
    subject_map TO {{keeper}};
GRANT SELECT, INSERT, UPDATE ON scrub TO {{keeper}};
GRANT SELECT, INSERT, UPDATE, DELETE ON scrub_finding TO {{keeper}};

GRANT SELECT, INSERT ON event, sequenced, ledger_tile TO {{restorer}};
GRANT SELECT, DELETE ON event_queue TO {{restorer}};
GRANT SELECT, INSERT, UPDATE ON ledger_head TO {{restorer}};
GRANT SELECT, UPDATE ON sequencer_head TO {{restorer}};
GRANT SELECT, INSERT, DELETE ON reservation, seat, busy_block, catalog, offering TO {{restorer}};
GRANT SELECT, DELETE ON agenda_v1 TO {{restorer}};
GRANT SELECT, UPDATE ON read_model TO {{restorer}};
GRANT SELECT, INSERT, UPDATE, DELETE ON recovery TO {{restorer}};
