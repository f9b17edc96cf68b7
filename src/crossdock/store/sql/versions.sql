-- name: version_active
-- The version of the workspace that is in force.
SELECT version, snapshot, digest, applied_by, applied_at, note FROM workspace_versions WHERE active

-- name: version
-- One version, whole.
SELECT version, snapshot, digest, applied_by, applied_at, note, active FROM workspace_versions WHERE version = $1

-- name: versions
-- All versions without their snapshots, newest first.
SELECT version, digest, applied_by, applied_at, note, active FROM workspace_versions ORDER BY version DESC

-- name: version_numbers
-- The numbers of all versions, and which is in force.
SELECT version, active FROM workspace_versions ORDER BY version

-- name: put_version
-- Stores a version under the next number; returns the number.
INSERT INTO workspace_versions (version, snapshot, digest, applied_by, applied_at, note)
SELECT coalesce(max(version), 0) + 1, $1, $2, $3, $4, $5 FROM workspace_versions RETURNING version

-- name: lock_active_version
-- The number of the version in force, locked so that no two replace it at once.
SELECT version FROM workspace_versions WHERE active FOR UPDATE

-- name: deactivate_versions
-- No version is in force; followed by `activate_version` in the same transaction.
UPDATE workspace_versions SET active = false WHERE active

-- name: activate_version
-- Puts this version in force.
UPDATE workspace_versions SET active = true WHERE version = $1
