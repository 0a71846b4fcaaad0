-- What the worker counts of all tenants together, for whoever watches the deployment. Nothing in it is of a tenant.

CREATE TABLE deployment_gauge (
    name       text             NOT NULL,
    label      text             NOT NULL DEFAULT '',
    value      double precision NOT NULL,
    counted_at timestamptz      NOT NULL,
    PRIMARY KEY (name, label)
);
GRANT SELECT ON deployment_gauge TO {{app}};
GRANT SELECT, INSERT, UPDATE, DELETE ON deployment_gauge TO {{follower}};

-- How many erasures are open, and since when: asked of all tenants.
GRANT SELECT (created_at) ON catalog TO {{follower}};
