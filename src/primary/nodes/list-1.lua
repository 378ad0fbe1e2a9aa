#!lua flags=no-writes
-- Lists the nodes that live. Time is Redis's own.
-- KEYS[1]  sorted set of nodes by the time they last beat
-- ARGV[1]  milliseconds until one is forgotten; ARGV[2] most nodes that are returned
-- returns  name and milliseconds since its beat, in turns
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local alive_ms = tonumber(ARGV[1])
local function at(ms) return string.format('%d', ms) end
local found = redis.pcall('ZRANGEBYSCORE', KEYS[1], '(' .. at(now_ms - alive_ms), at(now_ms + alive_ms), 'WITHSCORES',
  'LIMIT', 0, ARGV[2])
if found.err then return {} end -- of another type: the next beat makes it anew
for i = 2, #found, 2 do found[i] = math.floor(now_ms - tonumber(found[i])) end
return found
