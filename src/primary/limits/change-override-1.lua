#!lua flags=allow-oom
-- Sets or lifts the override of one client, drops those that have ended, and tells all nodes.
-- KEYS[1]  hash: client -> {"state":"BANNED"|"EXEMPT","until":ms since the epoch by Redis's clock,"by":text}
-- ARGV[1]  client; ARGV[2] BANNED, EXEMPT or AUTO; ARGV[3] milliseconds it lasts; ARGV[4] who, as a JSON string
-- ARGV[5]  most entries; ARGV[6] channel; ARGV[7] message for it
-- returns  'full', or what read-overrides-1.lua returns, after the change
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local all, count, latest = redis.call('HGETALL', KEYS[1]), 0, 0
local known = false
for i = 1, #all, 2 do
  local ends = tonumber(string.match(all[i + 1], '"until":(%d+)') or 0)
  if ends <= now_ms then
    redis.call('HDEL', KEYS[1], all[i])
  else
    count = count + 1
    if all[i] == ARGV[1] then known = true end
    if ends > latest then latest = ends end
  end
end
if ARGV[2] == 'AUTO' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  if not known and count >= tonumber(ARGV[5]) then return 'full' end
  local ends = now_ms + tonumber(ARGV[3])
  local value = string.format('{"state":"%s","until":%.0f,"by":%s}', ARGV[2], ends, ARGV[4])
  redis.call('HSET', KEYS[1], ARGV[1], value)
  if ends > latest then latest = ends end
end
if latest > 0 then redis.call('PEXPIREAT', KEYS[1], latest) end
redis.call('PUBLISH', ARGV[6], ARGV[7])
local reply = redis.call('HGETALL', KEYS[1])
table.insert(reply, 1, now_ms)
return reply
