#!lua flags=allow-oom
-- Sets the level of buckets; the fields and times to live are those of take-tokens.lua.
-- KEYS     the hashes of the buckets, of one client
-- ARGV     for each key: level, capacity, rate (tokens per second)
-- returns  how many were set
local time = redis.call('TIME')
local now_text = string.format('%.3f', time[1] * 1000 + time[2] / 1000)
for i, key in ipairs(KEYS) do
  local level, capacity, rate = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local before = redis.pcall('HMGET', key, 'capacity', 'ceiling')
  if before.err then
    redis.call('DEL', key)
    before = {}
  end
  -- The highest capacity it has lived under, so that a limit that was lowered and is raised again hands out nothing twice.
  local ceiling = math.max(capacity, tonumber(before[1]) or 0, tonumber(before[2]) or 0)
  redis.call('HSET', key, 'tokens', math.min(level, capacity), 'updated_ms', now_text, 'capacity', ARGV[3 * i - 1],
    'rate', ARGV[3 * i])
  if ceiling > capacity then
    redis.call('HSET', key, 'ceiling', ceiling)
  else
    redis.call('HDEL', key, 'ceiling')
  end
  redis.call('PEXPIRE', key, string.format('%.0f', 2 * (math.ceil(capacity / rate * 1000) + 1000)))
end
return #KEYS
