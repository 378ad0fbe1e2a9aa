#!lua flags=no-writes
-- Reads the overrides of clients together with the time they are measured by, unless they are those that are known.
-- KEYS[1]  hash: client -> {"state":"BANNED"|"EXEMPT","until":ms since the epoch by Redis's clock,"by":text}, #version
-- ARGV[1]  stamp of those that are known: '#version', a colon, number of fields; '' = none are
-- returns  nil: it is the same stamp; otherwise time in ms, stamp, then client, value, client, value, …
local stamp = (redis.call('HGET', KEYS[1], '#version') or '') .. ':' .. redis.call('HLEN', KEYS[1])
if stamp == ARGV[1] then return false end
local time = redis.call('TIME')
local reply = redis.call('HGETALL', KEYS[1])
table.insert(reply, 1, time[1] * 1000 + math.floor(time[2] / 1000))
table.insert(reply, 2, stamp)
return reply
