-- One text for SQLite and PostgreSQL: TEXT, BIGINT (times are Unix
-- milliseconds), BYTEA, BOOLEAN and DOUBLE PRECISION mean the same to both.
-- +goose Up
CREATE TABLE counters (name TEXT PRIMARY KEY, n BIGINT NOT NULL);

CREATE TABLE tenants (id TEXT PRIMARY KEY, name TEXT NOT NULL, created BIGINT NOT NULL);

CREATE TABLE users (
  tenant TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
  created BIGINT NOT NULL, PRIMARY KEY (tenant, id), UNIQUE (tenant, name));

CREATE TABLE tokens (
  tenant TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, hash TEXT NOT NULL UNIQUE,
  created BIGINT NOT NULL, expires BIGINT NOT NULL, bootstrap BOOLEAN NOT NULL, PRIMARY KEY (tenant, id));

CREATE TABLE links (
  tenant TEXT NOT NULL, hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, expires BIGINT NOT NULL, reusable BOOLEAN NOT NULL);

CREATE TABLE sessions (
  tenant TEXT NOT NULL, hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL);

CREATE TABLE groups (
  tenant TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, created BIGINT NOT NULL,
  PRIMARY KEY (tenant, id), UNIQUE (tenant, name));

CREATE TABLE applications (
  tenant TEXT NOT NULL, id BIGINT NOT NULL, name TEXT NOT NULL, learning TEXT NOT NULL, created BIGINT NOT NULL,
  PRIMARY KEY (tenant, id));

CREATE TABLE node_tokens (
  tenant TEXT NOT NULL, id TEXT NOT NULL, group_id TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, created BIGINT NOT NULL,
  expires BIGINT NOT NULL, used BIGINT NOT NULL, node_id TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (tenant, id));

CREATE TABLE nodes (
  tenant TEXT NOT NULL, id TEXT NOT NULL, group_id TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
  wire BIGINT NOT NULL, enrolled BIGINT NOT NULL, seen BIGINT NOT NULL, ruleset BIGINT NOT NULL,
  ruleset_error TEXT NOT NULL, status TEXT NOT NULL, PRIMARY KEY (tenant, id));
CREATE UNIQUE INDEX nodes_id ON nodes (id);

CREATE TABLE batches (tenant TEXT NOT NULL, node_id TEXT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (tenant, node_id, seq));

CREATE TABLE hits (
  tenant TEXT NOT NULL, id TEXT NOT NULL, at BIGINT NOT NULL, node_id TEXT NOT NULL, attack_id TEXT NOT NULL,
  request_id TEXT NOT NULL, application BIGINT NOT NULL, host TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  class TEXT NOT NULL, point TEXT NOT NULL, mode TEXT NOT NULL, decision TEXT NOT NULL,
  score DOUBLE PRECISION NOT NULL, reason TEXT NOT NULL, fragment TEXT NOT NULL, source TEXT NOT NULL,
  prefix TEXT NOT NULL, country TEXT NOT NULL, asn BIGINT NOT NULL, address TEXT NOT NULL,
  evidence_id TEXT NOT NULL, status BIGINT NOT NULL, ruleset BIGINT NOT NULL, rule BIGINT NOT NULL,
  endpoint_key BYTEA NOT NULL, point_key BYTEA NOT NULL, PRIMARY KEY (tenant, id));
CREATE INDEX hits_at ON hits (tenant, at, id);
-- With their order in them, or SQLite walks hits_at instead.
CREATE INDEX hits_request ON hits (tenant, request_id, at, id);
CREATE INDEX hits_class ON hits (tenant, class, at, id);
CREATE INDEX hits_rule ON hits (tenant, rule, at) WHERE rule <> 0;
CREATE INDEX hits_attack ON hits (tenant, attack_id, at, id);

CREATE TABLE attacks (
  tenant TEXT NOT NULL, id TEXT NOT NULL, identity TEXT NOT NULL, at BIGINT NOT NULL, began BIGINT NOT NULL,
  application BIGINT NOT NULL, host TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  class TEXT NOT NULL, point TEXT NOT NULL, hits BIGINT NOT NULL, blocked BIGINT NOT NULL, sources BIGINT NOT NULL,
  score DOUBLE PRECISION NOT NULL, reason TEXT NOT NULL, fragment TEXT NOT NULL, PRIMARY KEY (tenant, id));
CREATE INDEX attacks_at ON attacks (tenant, at, id);
CREATE INDEX attacks_identity ON attacks (tenant, identity, at);

CREATE TABLE attack_sources (
  tenant TEXT NOT NULL, attack_id TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (tenant, attack_id, source));

CREATE TABLE endpoints (
  tenant TEXT NOT NULL, id TEXT NOT NULL, identity TEXT NOT NULL, at BIGINT NOT NULL, began BIGINT NOT NULL,
  group_id TEXT NOT NULL, key BYTEA NOT NULL, application BIGINT NOT NULL, host TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, count BIGINT NOT NULL,
  status1 BIGINT NOT NULL, status2 BIGINT NOT NULL, status3 BIGINT NOT NULL, status4 BIGINT NOT NULL, status5 BIGINT NOT NULL,
  sources BYTEA NOT NULL, PRIMARY KEY (tenant, id), UNIQUE (tenant, identity));
CREATE INDEX endpoints_at ON endpoints (tenant, at, id);

CREATE TABLE params (
  tenant TEXT NOT NULL, endpoint_id TEXT NOT NULL, point TEXT NOT NULL, key BIGINT NOT NULL, count BIGINT NOT NULL,
  sketch BYTEA NOT NULL, changed BIGINT NOT NULL, PRIMARY KEY (tenant, endpoint_id, key));
CREATE INDEX params_changed ON params (tenant, changed);

CREATE TABLE rules (
  tenant TEXT NOT NULL, id BIGINT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (tenant, id));

CREATE TABLE policy_versions (
  tenant TEXT NOT NULL, id TEXT NOT NULL, version BIGINT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL,
  changes TEXT NOT NULL, PRIMARY KEY (tenant, version));
CREATE INDEX policy_versions_at ON policy_versions (tenant, at, id);

CREATE TABLE rulesets (
  tenant TEXT NOT NULL, group_id TEXT NOT NULL, version BIGINT NOT NULL, at BIGINT NOT NULL, policy BIGINT NOT NULL,
  digest TEXT NOT NULL, blob BYTEA NOT NULL, signature BYTEA NOT NULL, PRIMARY KEY (tenant, group_id, version));

CREATE TABLE suggestions (
  tenant TEXT NOT NULL, id TEXT NOT NULL, identity TEXT NOT NULL, at BIGINT NOT NULL, application BIGINT NOT NULL,
  endpoint_id TEXT NOT NULL, point TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, body TEXT NOT NULL,
  ready BIGINT NOT NULL, rule BIGINT NOT NULL, PRIMARY KEY (tenant, id), UNIQUE (tenant, identity));
CREATE INDEX suggestions_at ON suggestions (tenant, at, id);

CREATE TABLE asks (
  tenant TEXT NOT NULL, id TEXT NOT NULL, at BIGINT NOT NULL, expires BIGINT NOT NULL, kind TEXT NOT NULL, evidence_id TEXT NOT NULL,
  node_id TEXT NOT NULL, keys TEXT NOT NULL,
  rule BYTEA NOT NULL, reply_key BYTEA NOT NULL, actor TEXT NOT NULL, PRIMARY KEY (tenant, id));

CREATE TABLE answers (
  tenant TEXT NOT NULL, ask_id TEXT NOT NULL, node_id TEXT NOT NULL, at BIGINT NOT NULL, refused BOOLEAN NOT NULL, reason TEXT NOT NULL,
  matched BIGINT NOT NULL, examined BIGINT NOT NULL, window_from BIGINT NOT NULL, window_to BIGINT NOT NULL,
  sampling DOUBLE PRECISION NOT NULL, sealed BYTEA NOT NULL, PRIMARY KEY (tenant, ask_id, node_id));

CREATE TABLE refusals (
  tenant TEXT NOT NULL, id TEXT NOT NULL, at BIGINT NOT NULL, node_id TEXT NOT NULL, ruleset BIGINT NOT NULL,
  ask_id TEXT NOT NULL, ceiling TEXT NOT NULL, what TEXT NOT NULL, PRIMARY KEY (tenant, id));

CREATE TABLE audit (
  tenant TEXT NOT NULL, id TEXT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL,
  detail TEXT NOT NULL, PRIMARY KEY (tenant, id));
CREATE INDEX audit_at ON audit (tenant, at, id);

-- seq comes from counters, under its row lock: numbers become visible in
-- order, so a consumer that has seen n never misses a smaller one.
CREATE TABLE events (
  seq BIGINT PRIMARY KEY, tenant TEXT NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX events_tenant ON events (tenant, seq);

CREATE TABLE cursors (consumer TEXT PRIMARY KEY, seq BIGINT NOT NULL);

-- +goose Down
