#!lua flags=allow-oom
-- Says that a node lives, and takes away those that have not said so for long, or say so from the future: their entries
-- were forged, or this clock stepped back; who really lives says so again within a second. Time is Redis's own.
-- KEYS[1]  sorted set of nodes by the time they last beat
-- KEYS[2]  not in a cluster, where it lies elsewhere: its key, as in say-1.lua
-- ARGV[1]  name of the node; ARGV[2] milliseconds until one is forgotten; ARGV[3] most names that are returned
-- ARGV[4]  with KEYS[2]: what it says
-- returns  names of the nodes that live, behind what say-1.lua returns
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local alive_ms = tonumber(ARGV[2])
local function at(ms) return string.format('%d', ms) end
local added = redis.pcall('ZADD', KEYS[1], at(now_ms), ARGV[1])
if type(added) == 'table' and added.err then -- it is of another type, so nobody's
  redis.call('DEL', KEYS[1])
  redis.call('ZADD', KEYS[1], at(now_ms), ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at(now_ms - alive_ms))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. at(now_ms + alive_ms), '+inf')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local before = ''
if KEYS[2] then
  local said = redis.pcall('GETRANGE', KEYS[2], 0, 4095)
  if type(said) == 'string' then before = said end
  redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[2])
end
return { before, redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[3]) - 1) }
