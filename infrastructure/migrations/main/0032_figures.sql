-- The read model `figures`: what bookings count as, and when who worked where. No personal data.

CREATE TABLE figure_booking_v1 (
    tenant_id   uuid   NOT NULL,
    booking_id  uuid   NOT NULL,
    location_id uuid   NOT NULL,
    service_id  uuid   NOT NULL,
    staff_id    uuid   NOT NULL,
    source      text   NOT NULL,  -- the public id of the key through which it was made
    made_at     bigint NOT NULL,  -- epoch seconds
    starts_at   bigint NOT NULL,
    minutes     int    NOT NULL,
    status      text   NOT NULL,
    PRIMARY KEY (tenant_id, booking_id)
);
-- What is counted stands in the index whole.
CREATE INDEX figure_booking_v1_by_start ON figure_booking_v1 (tenant_id, location_id, starts_at)
    INCLUDE (booking_id, staff_id, service_id, source, minutes, status);
CREATE INDEX figure_booking_v1_by_making ON figure_booking_v1 (tenant_id, location_id, made_at)
    INCLUDE (staff_id, service_id, source);

CREATE TABLE figure_work_v1 (
    tenant_id    uuid   NOT NULL,
    staff_id     uuid   NOT NULL,
    version      int    NOT NULL,  -- of the event in their stream
    since        bigint NOT NULL,  -- epoch seconds
    until        bigint,           -- NULL: still
    location_ids uuid[] NOT NULL,
    schedule     text,             -- as callers write it; NULL: none
    PRIMARY KEY (tenant_id, staff_id, version)
);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['figure_booking_v1', 'figure_work_v1'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_wall ON %I TO {{app}} USING (tenant_id = (SELECT wall()))'
                       ' WITH CHECK (tenant_id = (SELECT wall()))', t);
        EXECUTE format('CREATE POLICY every_tenant ON %I TO {{follower}} USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY restoring ON %I TO {{restorer}} USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;
GRANT SELECT ON figure_booking_v1, figure_work_v1 TO {{app}};
GRANT SELECT, INSERT, UPDATE, DELETE ON figure_booking_v1, figure_work_v1 TO {{follower}};
GRANT SELECT, DELETE ON figure_booking_v1, figure_work_v1 TO {{restorer}};
