#!lua flags=no-writes
-- Reads what operators have said of routes together with the time it is measured by.
-- KEYS[1]  hash: route, or * for all -> {"rank":n,"until":ms since the epoch by Redis's clock,"on":…,…}
-- returns  time in ms, then route, value, route, value, …
local time = redis.call('TIME')
local all = redis.pcall('HGETALL', KEYS[1])
if all.err then all = {} end -- of another type: nothing is said; what is said next takes its place
table.insert(all, 1, time[1] * 1000 + math.floor(time[2] / 1000))
return all
