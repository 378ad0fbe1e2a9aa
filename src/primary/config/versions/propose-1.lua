#!lua flags=allow-oom
-- Puts a version forward for the nodes to agree to, where nobody else does and none has come since.
-- KEYS[1]  hash of the configuration's versions
-- ARGV[1]  what `current` must be; ARGV[2] id, in hex; ARGV[3] ms that it holds; ARGV[4] text
-- ARGV[5]  channel; ARGV[6] message for it
-- returns  1, or 0
local key = KEYS[1]
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
if (redis.call('HGET', key, 'current') or '') ~= ARGV[1] then return 0 end
local ends_ms = string.match(redis.call('HGET', key, 'proposal') or '', '^(%d+) ')
if tonumber(ends_ms or 0) >= now_ms then return 0 end
for _, field in ipairs(redis.call('HKEYS', key)) do
  if string.match(field, '^vote:') then redis.call('HDEL', key, field) end
end
redis.call('HSET', key, 'proposal', string.format('%.0f %s %s', now_ms + ARGV[3], ARGV[2], ARGV[4]))
redis.pcall('PUBLISH', ARGV[5], ARGV[6]) -- a hint
return 1
