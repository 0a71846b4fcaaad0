-- Who has an open follow-up, and which are open, is found without reading those that are over.

CREATE INDEX courier_follow_up_v1_open ON courier_follow_up_v1 (tenant_id, ordered_at, follow_up_id) WHERE is_open;
