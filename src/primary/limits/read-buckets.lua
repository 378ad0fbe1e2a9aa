#!lua flags=no-writes
-- Reads the buckets of one client together with the time they are measured by.
-- KEYS     the hashes of its buckets
-- returns  the time in ms as text, then for each key five texts, or five nils where there is no bucket
local time = redis.call('TIME')
local reply = { string.format('%.3f', time[1] * 1000 + time[2] / 1000) }
for _, key in ipairs(KEYS) do
  local found = redis.pcall('HMGET', key, 'tokens', 'updated_ms', 'capacity', 'rate', 'ceiling')
  for field = 1, 5 do reply[#reply + 1] = found[field] or false end
end
return reply
