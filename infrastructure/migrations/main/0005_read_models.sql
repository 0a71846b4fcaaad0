-- Where followers stand, and the read model `agenda`.

CREATE TABLE read_model (
    name     text   NOT NULL PRIMARY KEY,
    version  int    NOT NULL,
    sequence bigint NOT NULL,
    state    text   NOT NULL DEFAULT 'following',
    error    text
);

CREATE TABLE agenda_v1 (
    tenant_id    uuid   NOT NULL,
    booking_id   uuid   NOT NULL,
    location_id  uuid   NOT NULL,
    service_id   uuid   NOT NULL,
    staff_id     uuid   NOT NULL,
    subject_id   uuid   NOT NULL,
    starts_at    bigint NOT NULL,
    ends_at      bigint NOT NULL,
    status       text   NOT NULL,
    external_ref text,
    last_event   uuid   NOT NULL,
    version      int    NOT NULL,
    person       text,
    PRIMARY KEY (tenant_id, booking_id)
);
CREATE INDEX agenda_v1_by_time ON agenda_v1 (tenant_id, starts_at, booking_id);
CREATE INDEX agenda_v1_by_place ON agenda_v1 (tenant_id, location_id, starts_at, booking_id);
