-- Takes tokens from the buckets of many clients at once, all or nothing over the rules of one client.
-- The typed wrapper take-script.ts puts a header in front of this body that sets two locals:
--   now_ms          the time, milliseconds with microseconds as fraction (Redis's own TIME; a number given by a test)
--   first_argument  index of the first ARGV that belongs to this body
-- KEYS  bucket hashes, client by client: the first client's key of rule 1, of rule 2, …, then the next client's
-- ARGV  groups, one after the other:
--         rules r, cost, clients w, capacity 1, rate 1, …, capacity r, rate r, units 1, …, units w
--       rate is tokens per second; units is how many requests of `cost` tokens each the client has waiting;
--       a negative number gives -units × cost tokens back
-- returns, client by client: units granted, then for each rule the millionths of tokens left, rounded down
-- The arithmetic mirrors token-bucket.ts operation by operation: a property test holds the two together.
-- Fast path: limits are compared as the texts they came as, numbers are formatted once a script, and the time to live
-- is renewed once per `renewal` (it is a refill and two renewals long at least, so it never ends before the refill does).
local call, pcall, floor, format, number = redis.call, redis.pcall, math.floor, string.format, tonumber
local now_text = format('%.3f', now_ms)
local key, arg, reply, filled = 1, first_argument, {}, 0
local capacity, rate, capacity_text, rate_text, renewal, ttl = {}, {}, {}, {}, {}, {} -- by rule of the group
local tokens, updated, stored, ceiling = {}, {}, {}, {} -- by rule of the client; stored: when it was last written
while ARGV[arg] do
  local rules, cost, wants = number(ARGV[arg]), number(ARGV[arg + 1]), number(ARGV[arg + 2])
  arg = arg + 3
  for rule = 1, rules do
    capacity_text[rule], rate_text[rule] = ARGV[arg], ARGV[arg + 1]
    capacity[rule], rate[rule] = number(ARGV[arg]), number(ARGV[arg + 1])
    renewal[rule] = math.ceil(capacity[rule] / rate[rule] * 1000) + 1000
    ttl[rule] = format('%.0f', 2 * renewal[rule])
    arg = arg + 2
  end
  for want = arg, arg + wants - 1 do
    local granted = number(ARGV[want])
    for rule = 1, rules do
      local bucket_key, capacity, rate = KEYS[key + rule - 1], capacity[rule], rate[rule]
      local bucket = pcall('HMGET', bucket_key, 'tokens', 'updated_ms', 'capacity', 'rate')
      if bucket.err then -- not a hash: one odd key must not fail every client in the batch
        call('DEL', bucket_key)
        bucket = {}
      end
      local level, at = number(bucket[1]), number(bucket[2])
      local was = bucket[3]
      stored[rule], ceiling[rule] = at, nil
      if was ~= capacity_text[rule] or bucket[4] ~= rate_text[rule] or not level or not at then
        was = number(was)
        if level and at and was then -- other limits than stored
          ceiling[rule] = number(call('HGET', bucket_key, 'ceiling')) or was
          if capacity > ceiling[rule] then
            level = level + (capacity - ceiling[rule])
            ceiling[rule] = capacity
          end
        else -- new
          level, at, stored[rule] = capacity, now_ms, nil
        end
      end
      if (at - now_ms) * rate > capacity * 1000 then at = now_ms end
      if now_ms > at then
        level = level + (now_ms - at) * rate / 1000
        at = now_ms
      end
      if level > capacity then level = capacity end
      tokens[rule], updated[rule] = level, at
      local affordable = floor(level / cost)
      if affordable < granted then granted = affordable end
    end
    filled = filled + 1
    reply[filled] = granted
    for rule = 1, rules do
      local capacity, changed = capacity[rule], ceiling[rule]
      local left = tokens[rule] - granted * cost
      if left > capacity then left = capacity end
      if capacity > 0 and (granted ~= 0 or changed) then
        local bucket_key, at, before = KEYS[key + rule - 1], now_text, stored[rule]
        if updated[rule] ~= now_ms then at = format('%.3f', updated[rule]) end
        if before and not changed then
          call('HSET', bucket_key, 'tokens', left, 'updated_ms', at)
        else
          call('HSET', bucket_key, 'tokens', left, 'updated_ms', at, 'capacity', capacity_text[rule],
            'rate', rate_text[rule])
          if changed and changed > capacity then
            call('HSET', bucket_key, 'ceiling', changed)
          elseif changed then
            call('HDEL', bucket_key, 'ceiling')
          end
          before = nil
        end
        if not before or floor(before / renewal[rule]) ~= floor(updated[rule] / renewal[rule]) then
          call('PEXPIRE', bucket_key, ttl[rule])
        end
      end
      filled = filled + 1
      reply[filled] = floor(left * 1000000)
    end
    key = key + rules
  end
  arg = arg + wants
end
return reply
