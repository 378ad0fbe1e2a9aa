#!lua
-- Keeps what a node has just counted, for the charts of every node. Time is Redis's own.
-- KEYS[1]  its hash; KEYS[2] sorted set of the nodes that have one, by when they last wrote
-- ARGV[1]  name of the node; ARGV[2] milliseconds that both live; then fields and values
-- returns  1: there was nothing of the node
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local function at(ms) return string.format('%d', ms) end
local values = { unpack(ARGV, 3) }
local isNew = redis.call('EXISTS', KEYS[1]) == 0 and 1 or 0
local set = redis.pcall('HSET', KEYS[1], unpack(values))
if type(set) == 'table' and set.err then -- of another type, so nobody's
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], unpack(values))
  isNew = 1
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local added = redis.pcall('ZADD', KEYS[2], at(now_ms), ARGV[1])
if type(added) == 'table' and added.err then
  redis.call('DEL', KEYS[2])
  redis.call('ZADD', KEYS[2], at(now_ms), ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', at(now_ms - tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return isNew
