#!lua flags=no-writes
-- Reads what probes have found, with the time it is measured by.
-- KEYS[1]  hash: '<upstream> <target>' -> JSON of one target, '#sweep' -> JSON of the last sweep
-- returns  time in ms, then field, value, field, value, …
local stored = redis.pcall('HGETALL', KEYS[1])
local time = redis.call('TIME')
if stored.err then stored = {} end -- of another type: nothing in it is ours
table.insert(stored, 1, time[1] * 1000 + math.floor(time[2] / 1000))
return stored
