#!lua flags=allow-oom
-- Puts what operators have said of routes, where it is newer than what is there, and tells all nodes.
-- KEYS[1]  hash: route, or * for all -> {"rank":n,"until":ms since the epoch by Redis's clock,"on":…,…}
-- ARGV[1]  channel; ARGV[2] message for it; then four for each route:
--          its name; its rank; milliseconds it lasts; its other members as JSON, from the first member on, with the brace at the
--          end. A rank below 0 is that of one that was said just now: it outranks whatever is there.
-- returns  time in ms, then route, value, route, value, … of all there is
local key = KEYS[1]
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

local kind = redis.call('TYPE', key).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', key) end -- whatever it is, it says nothing of routes

local changed = false
for i = 3, #ARGV, 4 do
  local route, rank, lasts_ms, rest = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 3]
  local there = tonumber(string.match(redis.call('HGET', key, route) or '', '"rank":(%d+)') or 0)
  if rank < 0 then rank = math.max(-rank, there + 1) end
  if rank > there then
    redis.call('HSET', key, route, string.format('{"rank":%.0f,"until":%.0f,%s', rank, now_ms + lasts_ms, rest))
    changed = true
  end
end

local all, kept, latest = redis.call('HGETALL', key), { now_ms }, now_ms
for i = 1, #all, 2 do
  local ends = tonumber(string.match(all[i + 1], '"until":(%d+)') or 0)
  if ends <= now_ms then
    redis.call('HDEL', key, all[i])
  else
    kept[#kept + 1], kept[#kept + 2] = all[i], all[i + 1]
    latest = math.max(latest, ends)
  end
end
if latest > now_ms then redis.call('PEXPIREAT', key, string.format('%.0f', latest)) end
if changed then redis.pcall('PUBLISH', ARGV[1], ARGV[2]) end -- a hint: a user who may not publish changes it all the same
return kept
