#!lua flags=allow-oom
-- Ends a proposal: makes it the version in use, or drops it.
-- KEYS[1]  hash of the configuration's versions
-- ARGV[1]  id of the proposal; ARGV[2] what `current` must be; ARGV[3] number, '' = it is dropped; ARGV[4] text
-- ARGV[5]  what `current` becomes; ARGV[6] how many versions are kept; ARGV[7] channel; ARGV[8] message for it
-- returns  1, or 0: it is not under way any more, or another version has come
local key = KEYS[1]
if string.match(redis.call('HGET', key, 'proposal') or '', '^%d+ (%x+) ') ~= ARGV[1] then return 0 end
redis.call('HDEL', key, 'proposal')
local fields = redis.call('HKEYS', key)
for _, field in ipairs(fields) do
  if string.match(field, '^vote:') then redis.call('HDEL', key, field) end
end
if ARGV[3] == '' or (redis.call('HGET', key, 'current') or '') ~= ARGV[2] then return 0 end
for _, field in ipairs(fields) do
  local version = tonumber(string.match(field, '^v:(%d+)$'))
  if version and version <= ARGV[3] - ARGV[6] then redis.call('HDEL', key, field) end
end
redis.call('HSET', key, 'v:' .. ARGV[3], ARGV[4], 'current', ARGV[5])
redis.pcall('PUBLISH', ARGV[7], ARGV[8]) -- a hint
return 1
