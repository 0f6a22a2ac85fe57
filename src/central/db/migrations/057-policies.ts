/**
 * The policy as it is published: what each scope (\`global\`, \`site:NAME\`, \`terminal:ID\`) says
 * now, every version that was, and the one counter of versions. \`published\` is 0 while the policy
 * that central was started with still counts.
 */
export const policies = `
CREATE TABLE policy_head (
  head bigint PRIMARY KEY CHECK (head = 1),
  version bigint NOT NULL,
  published bigint NOT NULL
);
INSERT INTO policy_head (head, version, published) VALUES (1, 0, 0);
CREATE TABLE policy_scopes (
  scope text PRIMARY KEY,
  version bigint NOT NULL,
  body text NOT NULL
);
CREATE TABLE policy_versions (
  version bigint PRIMARY KEY,
  scope text NOT NULL,
  -- null: the scope says nothing of its own any more
  body text,
  act text NOT NULL CHECK (act IN ('start', 'publish', 'rollback')),
  who text NOT NULL,
  why text NOT NULL,
  at_ms bigint NOT NULL
)`;
