#!lua flags=allow-oom
-- Says that a node lives, and takes away those that have not said so for long. Time is Redis's own.
-- KEYS[1]  sorted set of nodes by the time they last beat
-- ARGV[1]  name of the node; ARGV[2] milliseconds until one is forgotten
-- returns  names of the nodes that live
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now_ms, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now_ms - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, -1)
