#!lua flags=allow-oom
-- Sets a key that has a time to live, also on a full Redis.
-- KEYS[1]  the key
-- ARGV[1]  its value; ARGV[2] milliseconds it lives
-- returns  1
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
