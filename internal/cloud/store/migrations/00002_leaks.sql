-- What responses give away, by endpoint and kind, and the hits and attacks
-- that it is the effect of.
-- +goose Up
CREATE TABLE leaks (
  tenant TEXT NOT NULL, id TEXT NOT NULL, identity TEXT NOT NULL, at BIGINT NOT NULL, began BIGINT NOT NULL,
  group_id TEXT NOT NULL, endpoint_key BYTEA NOT NULL, application BIGINT NOT NULL, host TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  kind TEXT NOT NULL, reason TEXT NOT NULL, weight DOUBLE PRECISION NOT NULL, status BIGINT NOT NULL, request_id TEXT NOT NULL,
  told BIGINT NOT NULL, hits BIGINT NOT NULL, PRIMARY KEY (tenant, id), UNIQUE (tenant, identity));
CREATE INDEX leaks_at ON leaks (tenant, at, id);
CREATE INDEX leaks_endpoint ON leaks (tenant, group_id, endpoint_key);

ALTER TABLE hits ADD COLUMN leak TEXT NOT NULL DEFAULT '';
ALTER TABLE attacks ADD COLUMN leak TEXT NOT NULL DEFAULT '';

-- +goose Down
