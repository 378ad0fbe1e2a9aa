#!lua flags=no-writes
-- Reads the overrides of clients together with the time they are measured by, unless they are those that are known.
-- KEYS[1]  hash: client -> {"state":"BANNED"|"EXEMPT","until":ms since the epoch by Redis's clock,"by":text}, #version
-- ARGV[1]  stamp of those that are known: '#version', a colon, number of fields; '' = none are
-- ARGV[2]  most fields that are returned
-- returns  nil: it is the same stamp; otherwise time in ms, stamp, then client, value, client, value, …
local version = redis.pcall('HGET', KEYS[1], '#version')
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
-- Of another type: nobody has an override; the next one that is set takes its place.
if type(version) == 'table' and version.err then return ARGV[1] ~= 'none' and { now_ms, 'none' } end
local fields = redis.call('HLEN', KEYS[1])
local stamp = string.sub(version or '', 1, 64) .. ':' .. fields
if stamp == ARGV[1] then return false end
local reply
-- More than there can be were not written by us; some of them are as good as others.
if fields <= tonumber(ARGV[2]) then reply = redis.call('HGETALL', KEYS[1])
else reply = redis.call('HSCAN', KEYS[1], 0, 'COUNT', ARGV[2])[2] end
table.insert(reply, 1, now_ms)
table.insert(reply, 2, stamp)
return reply
