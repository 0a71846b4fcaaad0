-- Large appends: what holds for a whole statement is worked out once for it, not once for each row.

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['event', 'event_queue'] LOOP
        EXECUTE format('ALTER POLICY tenant_wall ON %I USING (tenant_id = (SELECT wall())) '
                       'WITH CHECK (tenant_id = (SELECT wall()))', t);
    END LOOP;
END $$;

-- A queue row lives for milliseconds: random ids are not worth compressing, nor moving out of line.
ALTER TABLE event_queue SET (toast_tuple_target = 8160);
