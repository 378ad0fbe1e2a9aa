#!lua flags=allow-oom
-- Says what a node is, also on a full Redis, whatever stood there.
-- KEYS[1]  its key
-- ARGV[1]  what it says; ARGV[2] milliseconds it lives
-- returns  the first 4 KiB of what stood there; '' where that was nothing, or no text
local before = redis.pcall('GETRANGE', KEYS[1], 0, 4095)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return type(before) == 'string' and before or ''
