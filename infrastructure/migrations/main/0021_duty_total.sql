-- How much is late and how much is due soon, of all tenants together: two numbers that the worker counts, for whoever
-- watches the deployment. Nothing in it is of a tenant, so it stands behind no wall.

CREATE TABLE duty_total (
    is_all     boolean     PRIMARY KEY DEFAULT true CHECK (is_all),
    late       bigint      NOT NULL,
    soon       bigint      NOT NULL,
    counted_at timestamptz NOT NULL
);
GRANT SELECT ON duty_total TO {{app}};
GRANT SELECT, INSERT, UPDATE ON duty_total TO {{follower}};
