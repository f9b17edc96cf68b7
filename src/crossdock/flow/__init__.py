"""The walk of one purchase order, one verb a file, in order: receive, interpret, record (in `store.log`), fold, dispatch, settle.

Read from top to bottom, this is the whole story: bytes are kept, read into facts, folded into what is owed, and what is owed is sent
and settled with a new fact. `announce` then tells others what happened, and `notify` calls those who asked
to be called. Nothing here knows a format, a partner or a database; all of that is handed in.
"""
