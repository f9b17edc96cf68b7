-- What has come of an expected receipt is the sum of the receipt movements that name it.
CREATE INDEX movements_of_receipt ON movements (reference) WHERE kind = 'receipt';
