#!lua flags=allow-oom
-- Sets or lifts the override of one client and tells all nodes. Looks at all of them only to make room, or where the hash
-- was written by hand and so has no time to live.
-- KEYS[1]  hash: client -> {"state":"BANNED"|"EXEMPT","until":ms since the epoch by Redis's clock,"by":text}; and
--          #version -> when it was changed last, in microseconds (no client's name has a #)
-- ARGV[1]  client; ARGV[2] BANNED, EXEMPT or AUTO; ARGV[3] milliseconds it lasts; ARGV[4] who, as a JSON string
-- ARGV[5]  most clients; ARGV[6] channel; ARGV[7] message for it
-- returns  'full', or { when it ends, stamp before, stamp after }; stamps as in read-overrides-1.lua
local key, client, lifts = KEYS[1], ARGV[1], ARGV[2] == 'AUTO'
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

local kind = redis.call('TYPE', key).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', key) end -- whatever it is, it is no override

local function stamp()
  return (redis.call('HGET', key, '#version') or '') .. ':' .. redis.call('HLEN', key)
end

local function clients()
  return redis.call('HLEN', key) - redis.call('HEXISTS', key, '#version')
end

-- Drops those that have ended. Returns milliseconds until the last of the others does.
local function prune()
  local all, latest = redis.call('HGETALL', key), now_ms
  for i = 1, #all, 2 do
    if all[i] ~= '#version' then
      local ends = tonumber(string.match(all[i + 1], '"until":(%d+)') or 0)
      if ends <= now_ms then redis.call('HDEL', key, all[i]) end
      if ends > latest then latest = ends end
    end
  end
  return latest - now_ms
end

local before = stamp()
local lasts_ms = redis.call('PTTL', key)
local needed_ms = lasts_ms
local full = not lifts and clients() >= tonumber(ARGV[5]) and redis.call('HEXISTS', key, client) == 0
if full or lasts_ms == -1 then
  needed_ms = prune()
  if full and clients() >= tonumber(ARGV[5]) then return 'full' end
end
local ends = 0
if lifts then
  redis.call('HDEL', key, client)
else
  ends = now_ms + tonumber(ARGV[3])
  redis.call('HSET', key, client, string.format('{"state":"%s","until":%.0f,"by":%s}', ARGV[2], ends, ARGV[4]))
  needed_ms = math.max(needed_ms, tonumber(ARGV[3]))
end
if clients() == 0 then
  redis.call('DEL', key)
else
  redis.call('HSET', key, '#version', time[1] .. string.format('%06d', time[2]))
  if needed_ms ~= lasts_ms then redis.call('PEXPIRE', key, string.format('%.0f', needed_ms)) end
end
redis.pcall('PUBLISH', ARGV[6], ARGV[7]) -- a hint: a user who may not publish changes it all the same
return { ends, before, stamp() }
