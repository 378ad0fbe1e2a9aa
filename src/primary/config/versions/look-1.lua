#!lua flags=allow-oom
-- Says which version a node has, and looks what versions there are.
-- KEYS[1]  hash of the configuration's versions (src/shared/redis/keys.ts)
-- ARGV[1]  node; ARGV[2] its version; ARGV[3] after so many ms without a look a node is gone; ARGV[4] proposal that it knows
-- returns  current, id of the proposal or '', its text or '' (where the node knows it), then one list of numbers of
--          versions and one of node, version, node, version, …
local key = KEYS[1]
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

local kind = redis.call('TYPE', key).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', key) end -- whatever it is, it is no configuration
redis.call('HSET', key, 'node:' .. ARGV[1], string.format('%.0f %s', now_ms, ARGV[2]))

local versions, nodes = {}, {}
for _, field in ipairs(redis.call('HKEYS', key)) do
  local node, version = string.match(field, '^node:(.+)$'), string.match(field, '^v:(%d+)$')
  if version then
    versions[#versions + 1] = version
  elseif node then
    local seen_ms, has = string.match(redis.call('HGET', key, field), '^(%d+) (%d+)$')
    if tonumber(seen_ms or 0) < now_ms - ARGV[3] then
      redis.call('HDEL', key, field)
    else
      nodes[#nodes + 1], nodes[#nodes + 2] = node, has
    end
  end
end

local ends_ms, id, text = string.match(redis.call('HGET', key, 'proposal') or '', '^(%d+) (%x+) (.*)$')
if tonumber(ends_ms or 0) < now_ms then id, text = '', '' end
if id == ARGV[4] then text = '' end
return { redis.call('HGET', key, 'current') or '', id, text, versions, nodes }
