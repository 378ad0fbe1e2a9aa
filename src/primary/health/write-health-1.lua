#!lua flags=allow-oom
-- Writes what a sweep has found, unless somebody has written since it was begun: what failed in a row is counted from
-- what was read.
-- KEYS[1]  hash, as in read-health-1.lua
-- ARGV[1]  channel for the event
-- ARGV[2]  '#sweep' as it was read, '' = there was none
-- ARGV[3]  the new one
-- ARGV[4]  event
-- ARGV[5…] field, value, field, value, …; a value of '' takes the field away
-- returns  1, or 0: somebody has, and nothing was written
local sweep = redis.pcall('HGET', KEYS[1], '#sweep')
if type(sweep) == 'table' and sweep.err then
  redis.call('DEL', KEYS[1])
  sweep = false
end
if (sweep or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], '#sweep', ARGV[3])
for i = 5, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[i]) else redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
redis.call('PUBLISH', ARGV[1], ARGV[4])
return 1
