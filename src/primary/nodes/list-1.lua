#!lua flags=no-writes
-- Lists the nodes that live. Time is Redis's own.
-- KEYS[1]  sorted set of nodes by the time they last beat
-- ARGV[1]  milliseconds until one is forgotten
-- returns  name and milliseconds since its beat, in turns
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%d', now_ms - tonumber(ARGV[1])), '+inf', 'WITHSCORES')
for i = 2, #found, 2 do found[i] = now_ms - tonumber(found[i]) end
return found
