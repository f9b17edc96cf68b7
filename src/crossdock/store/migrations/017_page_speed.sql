-- What is owed between us and each party, the first due first: counted and listed from the index alone.
-- What others owe: as before, and with what counting asks for beside it.
DROP INDEX obligations_of_others;
CREATE INDEX obligations_of_others ON obligations (debtor, coalesce(due_at, 'infinity'), id) INCLUDE (due_at, kind)
    WHERE debtor <> 'us' AND status IN ('blocked', 'ready', 'waiting', 'refused');
-- What we owe.
CREATE INDEX obligations_of_ours ON obligations (creditor, coalesce(due_at, 'infinity'), id) INCLUDE (due_at, kind)
    WHERE debtor = 'us' AND status IN ('blocked', 'ready', 'waiting', 'refused');
