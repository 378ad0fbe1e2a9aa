#!lua flags=no-writes
-- Reads fields of what a node has counted.
-- KEYS[1]  its hash
-- ARGV[1]  longest value in bytes; then fields
-- returns  their values; '' for one that is not there, or longer, or where the key is of another type
local found = redis.pcall('HMGET', KEYS[1], unpack(ARGV, 2))
local values = {}
for i = 1, #ARGV - 1 do
  local value = not found.err and found[i] or ''
  values[i] = #value <= tonumber(ARGV[1]) and value or ''
end
return values
