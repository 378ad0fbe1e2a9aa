-- Puts records of API keys where they are newer than what is there.
-- KEYS[1]: the hash. ARGV: channel, version if something changes, 'complete' = set a version in any case, 'change' = what
-- changes is told of in any case, or '', then for each key its hash, rank and record. The rank is stored in front of the record, so that nothing is parsed here.
-- Returns version before ('' = none), version after, number of records put.
local before = redis.call('HGET', KEYS[1], '#version') or ''
local changed = {}
for i = 4, #ARGV, 3 do
  local there = redis.call('HGET', KEYS[1], ARGV[i])
  local rank = 0
  if there then rank = tonumber(string.match(there, '^(%d+) ')) or 0 end
  if tonumber(ARGV[i + 1]) > rank then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
    changed[#changed + 1] = ARGV[i]
  end
end
local after = before
-- A hash that was lost has no version until somebody has put back all that is known.
if (before ~= '' and #changed > 0) or (before == '' and ARGV[3] == 'complete') then
  after = ARGV[2]
  redis.call('HSET', KEYS[1], '#version', after)
end
-- What is put back after a loss is news to nobody; what somebody has just said is, whatever state the hash is in.
if after ~= before or (#changed > 0 and ARGV[3] == 'change') then
  local named = {}
  for i = 1, math.min(#changed, 50) do named[i] = changed[i] end
  local hashes = '[]'
  if #named > 0 then hashes = cjson.encode(named) end
  redis.call('PUBLISH', ARGV[1],
    '{"type":"keys-changed","hashes":' .. hashes .. ',"before":' .. cjson.encode(before) ..
    ',"after":' .. cjson.encode(#changed > #named and '' or after) .. '}')
end
return {before, after, #changed}
