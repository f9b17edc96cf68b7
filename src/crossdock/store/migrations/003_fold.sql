-- A process that could not be folded because of a defect of ours is set aside: it stays as it stood, its positions go on, and `defect` keeps the error.
-- The exception that says so is neither business nor transport.
ALTER TABLE processes ADD COLUMN defect text NOT NULL DEFAULT '';
CREATE INDEX processes_set_aside ON processes (lane, key) WHERE defect <> '';
ALTER TABLE exceptions DROP CONSTRAINT exceptions_category_check,
    ADD CONSTRAINT exceptions_category_check CHECK (category IN ('business', 'transport', 'defect'));
