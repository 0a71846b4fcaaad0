-- Read models in versions: one of a name is read, another may be filled beside it. README D12.

ALTER TABLE read_model DROP CONSTRAINT read_model_pkey;
ALTER TABLE read_model ADD PRIMARY KEY (name, version);
ALTER TABLE read_model
    ADD COLUMN is_current  boolean NOT NULL DEFAULT false,
    ADD COLUMN fingerprint text,  -- of the code that filled it
    ADD COLUMN tables      text[],  -- what it stands in
    ADD COLUMN failed_event uuid,
    ADD COLUMN failed_type text,
    ADD CONSTRAINT read_model_state CHECK (state IN ('following', 'paused', 'stopped', 'changed', 'retired'));
UPDATE read_model SET is_current = true;
CREATE UNIQUE INDEX read_model_current ON read_model (name) WHERE is_current;

-- A version that is being filled, by tenants' hash: how far each part of it is.
CREATE TABLE read_model_build (
    name        text   NOT NULL,
    shard       int    NOT NULL,
    shards      int    NOT NULL CHECK (shard >= 0 AND shard < shards),
    version     int    NOT NULL,
    fingerprint text   NOT NULL,
    sequence    bigint NOT NULL,
    error       text,
    PRIMARY KEY (name, shard)
);

GRANT SELECT ON read_model_build TO {{app}};
GRANT UPDATE (is_current) ON read_model TO {{follower}};
GRANT SELECT, INSERT, UPDATE, DELETE ON read_model_build TO {{follower}};
GRANT SELECT ON sequencer_head TO {{follower}}, {{app}};
