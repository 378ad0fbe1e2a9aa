#!lua flags=allow-oom
-- Says what a node thinks of a proposal that is still under way.
-- KEYS[1]  hash of the configuration's versions
-- ARGV[1]  id of the proposal; ARGV[2] node; ARGV[3] its vote
local key = KEYS[1]
if string.match(redis.call('HGET', key, 'proposal') or '', '^%d+ (%x+) ') == ARGV[1] then
  redis.call('HSET', key, 'vote:' .. ARGV[2], ARGV[3])
end
