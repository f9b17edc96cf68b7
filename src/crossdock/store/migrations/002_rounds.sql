-- How often a person had an effect done again. A request that is repeated keeps its name, so without this its second answer would be taken for the first.
ALTER TABLE deliveries ADD COLUMN rounds integer NOT NULL DEFAULT 0;
