-- A board looks for replies that a person must read each time it is drawn.
CREATE INDEX reply_by_outcome ON reply (outcome, at);
