-- Witnesses: what each of them last cosigned for each log, and what was wrong with it. docs/ledger.md, "Witnesses".

CREATE TABLE witness_state (
    tenant_id  uuid        NOT NULL,
    witness    text        NOT NULL,  -- its key, as name+id: a witness with a new key is another one
    size       bigint      NOT NULL DEFAULT 0 CHECK (size >= 0),
    seen_at    timestamptz,
    problem    text,
    problem_at timestamptz,
    PRIMARY KEY (tenant_id, witness)
);
ALTER TABLE witness_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE witness_state FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON witness_state TO {{app}} USING (tenant_id = (SELECT wall()))
    WITH CHECK (tenant_id = (SELECT wall()));
CREATE POLICY publishing ON witness_state TO {{publisher}} USING (true) WITH CHECK (true);
GRANT SELECT ON witness_state TO {{app}};
GRANT SELECT, INSERT, UPDATE ON witness_state TO {{publisher}};

-- The newest checkpoint with a quorum; those that are held while witnesses are asked.
CREATE INDEX ledger_checkpoint_cosigned ON ledger_checkpoint (tenant_id, size) WHERE cosigned_at IS NOT NULL;
CREATE INDEX ledger_checkpoint_cosigning ON ledger_checkpoint (tenant_id, size) WHERE kept = 'cosigning';
CREATE INDEX ledger_checkpoint_requested ON ledger_checkpoint (tenant_id, size) WHERE kept = 'requested';
