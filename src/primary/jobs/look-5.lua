#!lua flags=allow-oom
-- Looks whether the schedule of a job is whole. FLUSHDB takes all of it, an eviction any part.
-- KEYS[1]  sorted set of the queue's schedules by their next slot; KEYS[2] its settings
-- KEYS[3]  runs that are due later; KEYS[4] runs that wait; KEYS[5] runs that run
-- ARGV[1]  name of the schedule; ARGV[2] what it should be; ARGV[3] events that are kept
-- returns  1 = it is whole; 0 = make it: what is left of a broken one is taken away
redis.call('HSET', KEYS[2], 'concurrency', 1, 'opts.maxLenEvents', ARGV[3])
local next_ms = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not next_ms then return 0 end
local next_run = 'repeat:' .. ARGV[1] .. ':' .. next_ms
local run_key = KEYS[1] .. ':' .. ARGV[1] .. ':' .. next_ms
local is_listed = redis.call('ZSCORE', KEYS[3], next_run) or redis.call('LPOS', KEYS[4], next_run)
  or redis.call('LPOS', KEYS[5], next_run)
if is_listed and redis.call('EXISTS', run_key) == 1 and redis.call('EXISTS', KEYS[1] .. ':' .. ARGV[1]) == 1 then
  return redis.call('HGET', KEYS[2], 'schedule') == ARGV[2] and 1 or 0
end
redis.call('ZREM', KEYS[3], next_run)
redis.call('LREM', KEYS[4], 0, next_run)
redis.call('LREM', KEYS[5], 0, next_run)
redis.call('DEL', run_key)
return 0
