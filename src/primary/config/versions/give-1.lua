#!lua flags=allow-oom
-- Puts back versions that Redis has lost, and the newest in place of one that is older or false.
-- KEYS[1]  hash of the configuration's versions
-- ARGV[1]  what `current` was seen to be, false or older; ARGV[2] what it becomes; ARGV[3] its number; ARGV[4] channel;
-- ARGV[5]  message for it; then number, text, number, text, …
local key = KEYS[1]
local there = redis.call('HGET', key, 'current') or ''
local is_ours = there == ARGV[2] or there == ARGV[1] or tonumber(string.match(there, '^(%d+) ') or 0) < tonumber(ARGV[3])
for i = 6, #ARGV, 2 do
  if is_ours or redis.call('HEXISTS', key, 'v:' .. ARGV[i]) == 0 then redis.call('HSET', key, 'v:' .. ARGV[i], ARGV[i + 1]) end
end
if is_ours and there ~= ARGV[2] then
  redis.call('HSET', key, 'current', ARGV[2])
  redis.pcall('PUBLISH', ARGV[4], ARGV[5]) -- a hint
end
