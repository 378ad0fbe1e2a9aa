#!lua flags=no-writes
-- Reads the overrides of clients together with the time they are measured by.
-- KEYS[1]  hash: client -> {"state":"BANNED"|"EXEMPT","until":ms since the epoch by Redis's clock,"by":text}
-- returns  time in ms, then client, value, client, value, …
local time = redis.call('TIME')
local reply = redis.call('HGETALL', KEYS[1])
table.insert(reply, 1, time[1] * 1000 + math.floor(time[2] / 1000))
return reply
