-- Whose time is taken, what a business has set up, and answers to repeated calls.
-- All of it is written in the same transaction as the events it follows from; `daybook fsck` compares the two.
-- Times are whole seconds since the epoch; ranges are half-open.

-- One row: the time that a hold, a booking or a class session occupies on one staff member, buffers included.
CREATE TABLE reservation (
    tenant_id   uuid   NOT NULL,
    owner_id    uuid   NOT NULL,
    kind        text   NOT NULL CHECK (kind IN ('hold', 'booking', 'session')),
    staff_id    uuid   NOT NULL,
    service_id  uuid   NOT NULL,
    visit_start bigint NOT NULL,
    visit_end   bigint NOT NULL CHECK (visit_end > visit_start),
    starts_at   bigint NOT NULL CHECK (starts_at <= visit_start),
    ends_at     bigint NOT NULL CHECK (ends_at >= visit_end),
    capacity    int    NOT NULL CHECK (capacity >= 1),
    expires_at  bigint,
    PRIMARY KEY (tenant_id, owner_id),
    -- No double booking by construction (README D4).
    CONSTRAINT no_overlap EXCLUDE USING gist
        (tenant_id WITH =, staff_id WITH =, int8range(starts_at, ends_at) WITH &&)
);
CREATE INDEX reservation_by_time ON reservation (tenant_id, staff_id, ends_at);

-- A seat of a class session: the session is the reservation, its seats are claimed up to its capacity.
CREATE TABLE seat (
    tenant_id  uuid NOT NULL,
    session_id uuid NOT NULL,
    seat_no    int  NOT NULL CHECK (seat_no >= 1),
    owner_id   uuid NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('hold', 'booking')),
    expires_at bigint,
    PRIMARY KEY (tenant_id, session_id, seat_no),
    UNIQUE (tenant_id, owner_id)
);

CREATE INDEX reservation_by_expiry ON reservation (tenant_id, expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX seat_by_expiry ON seat (tenant_id, expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE busy_block (
    tenant_id uuid   NOT NULL,
    staff_id  uuid   NOT NULL,
    starts_at bigint NOT NULL,
    ends_at   bigint NOT NULL CHECK (ends_at > starts_at),
    PRIMARY KEY (tenant_id, staff_id, starts_at)
);
CREATE INDEX busy_block_by_end ON busy_block (tenant_id, staff_id, ends_at);

CREATE TABLE catalog (
    tenant_id  uuid        NOT NULL,
    id         uuid        NOT NULL,
    kind       text        NOT NULL,
    version    int         NOT NULL,
    created_at timestamptz NOT NULL,
    state      text        NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX catalog_by_creation ON catalog (tenant_id, kind, created_at, id);

-- Who offers what: from a staff member to the services they offer.
CREATE TABLE offering (
    tenant_id  uuid NOT NULL,
    service_id uuid NOT NULL,
    staff_id   uuid NOT NULL,
    PRIMARY KEY (tenant_id, service_id, staff_id)
);
CREATE INDEX offering_by_staff ON offering (tenant_id, staff_id);

-- Digests only, under a daily key that is destroyed. README D11.
CREATE TABLE kept_answer (
    tenant_id   uuid        NOT NULL,
    call_digest bytea       NOT NULL,
    row_id      uuid        NOT NULL,
    fingerprint bytea       NOT NULL,
    begun_at    timestamptz NOT NULL,
    status      int,
    headers     text,
    body        bytea,
    PRIMARY KEY (tenant_id, call_digest),
    UNIQUE (tenant_id, row_id)
);
CREATE INDEX kept_answer_by_age ON kept_answer (tenant_id, begun_at);
