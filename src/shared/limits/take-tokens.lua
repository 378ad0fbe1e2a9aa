-- Charges what the buckets of many clients owe and takes tokens from them, all or nothing over the rules of one client.
-- The typed wrapper take-script.ts puts a header in front of this body that sets three locals:
--   now_ms          the time, milliseconds with microseconds as fraction (Redis's own TIME; a number given by a test)
--   first_argument  index of the first ARGV that belongs to this body
--   only_known      no group may make buckets for clients that have none: Redis is full
-- KEYS  bucket hashes, client by client: the first client's key of rule 1, of rule 2, …, then the next client's
-- ARGV  groups, one after the other:
--         rules r, cost, clients w, flags (1 debts, 2 only known clients), capacity 1, rate 1, …, capacity r, rate r, then for each client:
--         units, and with debts: tokens owed 1, for how many milliseconds 1, …, tokens owed r, for how many r
--       rate is tokens per second; units is how many requests of `cost` tokens each the client has waiting;
--       a negative number gives -units × cost tokens back
-- returns, client by client: units granted ('new': this client has none of these buckets, and only known ones were asked
--       for; nothing was done), then for each rule the millionths of tokens left, rounded down; with debts also
--       for each rule the millionths of what could not be charged because it lies below -capacity; last: how many buckets
--       were damaged (not a hash, fields missing, no numbers, beyond [-capacity, capacity]) and start full
-- Nodes of other versions run their own script, by its own SHA, on the same hashes. They know no debts, so a level below
-- zero is written as no tokens at the time at which it will be zero.
-- The arithmetic mirrors token-bucket.ts operation by operation: a property test holds the two together.
-- Fast path: limits are compared as the texts they came as, numbers are formatted once a script, and the time to live
-- is renewed once per `renewal` (it is a refill and two renewals long at least, so it never ends before the refill does).
local call, pcall, floor, format, number = redis.call, redis.pcall, math.floor, string.format, tonumber
local MOST_TOKENS, SPILL_AFTER_MS, INFINITE = 1e9, 1000, math.huge
local now_text = format('%.3f', now_ms)
local key, arg, reply, filled, damaged = 1, first_argument, {}, 0, 0
local capacity, rate, capacity_text, rate_text, renewal, ttl = {}, {}, {}, {}, {}, {} -- by rule of the group
-- By rule of the client; stored: when it was last written; touched: must be written; spilled: what is new of it.
local tokens, updated, stored, ceiling, touched, spilled, unpaid = {}, {}, {}, {}, {}, {}, {}

-- A number from lowest to highest, or nil: what stands in a hash may be anything, also 'nan'.
local function within(text, lowest, highest)
  local value = number(text)
  if value and value >= lowest and value <= highest then return value end
end

-- The first half of charge() in token-bucket.ts is the second here. Returns the level and what is to be written of spills.
local function charge(bucket_key, level, at, capacity, rate, owed, since)
  if since > now_ms then since = now_ms end
  if since < at then
    local before = call('HMGET', bucket_key, 'spilled', 'spilled_ms')
    local spilled, spilled_ms = within(before[1], 0, INFINITE) or 0, within(before[2], 0, INFINITE) or 0
    if now_ms > at then level = level + (now_ms - at) * rate / 1000 end
    local paid = math.max(0, math.min(spilled, (spilled_ms - since) * rate / 1000, owed))
    return level - (owed - paid), paid > 0 and { 'spilled', spilled - paid } or nil
  end
  level = level + (since - at) * rate / 1000
  if level > capacity then level = capacity end
  level = level + (now_ms - since) * rate / 1000 - owed
  return level, level > capacity and { 'spilled', level - capacity, 'spilled_ms', now_text } or nil
end

while ARGV[arg] do
  local rules, cost, wants, flags = number(ARGV[arg]), number(ARGV[arg + 1]), number(ARGV[arg + 2]), ARGV[arg + 3]
  local debts, must_be_known = flags == '1' or flags == '3', only_known or flags == '2' or flags == '3'
  arg = arg + 4
  for rule = 1, rules do
    capacity_text[rule], rate_text[rule] = ARGV[arg], ARGV[arg + 1]
    capacity[rule], rate[rule] = number(ARGV[arg]), number(ARGV[arg + 1])
    renewal[rule] = math.ceil(capacity[rule] / rate[rule] * 1000) + 1000
    ttl[rule] = format('%.0f', 2 * renewal[rule])
    arg = arg + 2
  end
  for want = 1, wants do
    local units = number(ARGV[arg])
    local granted, known = units, not must_be_known
    arg = arg + 1
    for rule = 1, rules do
      local bucket_key, capacity, rate = KEYS[key + rule - 1], capacity[rule], rate[rule]
      local owed, since = 0, now_ms
      if debts then
        owed, since = number(ARGV[arg]), now_ms - number(ARGV[arg + 1])
        arg = arg + 2
      end
      local bucket = pcall('HMGET', bucket_key, 'tokens', 'updated_ms', 'capacity', 'rate')
      local was, is_new, wrong = bucket[3], false, bucket.err
      local is_same = was == capacity_text[rule] and bucket[4] == rate_text[rule]
      if is_same then was = capacity elseif was then was = within(was, 0, MOST_TOKENS) end
      local level = was and within(bucket[1], -was, was)
      local at = level and within(bucket[2], -INFINITE, INFINITE)
      if at and (at == INFINITE or at == -INFINITE) then at = nil end
      stored[rule], ceiling[rule], touched[rule], spilled[rule] = at, nil, false, nil
      if at or capacity == 0 then known = true end
      if not at then
        if wrong or bucket[1] or bucket[2] or bucket[3] or bucket[4] then -- one odd key must not fail the batch
          call('DEL', bucket_key)
          damaged, touched[rule], known = damaged + 1, true, true
        end
        level, at, is_new = capacity, now_ms, true
        if owed > 0 and since < now_ms then at = since end -- it was full then
      elseif at > now_ms then
        local short = (at - now_ms) * rate / 1000
        local is_far = short > capacity + rate / 1000
        if not is_far and level == 0 then level = -short end
        if is_far or level < 0 then at = now_ms end
        if is_far then touched[rule] = true end -- or it would be as far the next time, and nothing would ever come back
      end
      if not is_same and not is_new then -- other limits than stored
        ceiling[rule] = within(call('HGET', bucket_key, 'ceiling'), was, MOST_TOKENS) or was
        if capacity > ceiling[rule] then
          level = level + (capacity - ceiling[rule])
          ceiling[rule] = capacity
        end
      end
      if owed > 0 and capacity > 0 then
        level, spilled[rule] = charge(bucket_key, level, at, capacity, rate, owed, since)
        if now_ms > at then at = now_ms end
        touched[rule] = true
      elseif now_ms > at then
        local passed = now_ms - at
        level = level + passed * rate / 1000
        at = now_ms
        if passed >= SPILL_AFTER_MS and level > capacity then
          spilled[rule] = { 'spilled', level - capacity, 'spilled_ms', now_text }
        end
      end
      if level > capacity then level = capacity end
      unpaid[rule] = 0
      if level < -capacity then
        if capacity > 0 then unpaid[rule] = math.min(-capacity - level, owed) end
        level = -capacity
      end
      tokens[rule], updated[rule] = level, at
      if units > 0 then
        local affordable = floor(level / cost)
        if affordable < 0 then affordable = 0 end
        if affordable < granted then granted = affordable end
      end
    end
    if not known then granted = 0 end
    filled = filled + 1
    reply[filled] = known and granted or 'new'
    for rule = 1, rules do
      local capacity, changed = capacity[rule], ceiling[rule]
      local left = tokens[rule] - granted * cost
      if left > capacity then left = capacity end
      if known and capacity > 0 and (granted ~= 0 or changed or touched[rule]) then
        local bucket_key, level, at, before = KEYS[key + rule - 1], left, now_text, stored[rule]
        if left < 0 then
          level, at = 0, format('%.3f', updated[rule] + -left * 1000 / rate[rule])
        elseif updated[rule] ~= now_ms then
          at = format('%.3f', updated[rule])
        end
        if before and not changed then
          call('HSET', bucket_key, 'tokens', level, 'updated_ms', at)
        else
          call('HSET', bucket_key, 'tokens', level, 'updated_ms', at, 'capacity', capacity_text[rule],
            'rate', rate_text[rule])
          if changed and changed > capacity then
            call('HSET', bucket_key, 'ceiling', changed)
          elseif changed then
            call('HDEL', bucket_key, 'ceiling')
          end
          before = nil
        end
        if spilled[rule] then call('HSET', bucket_key, unpack(spilled[rule])) end
        if left < 0 then -- two refills until it is full
          call('PEXPIRE', bucket_key, format('%.0f', 3 * renewal[rule]))
        elseif not before or floor(before / renewal[rule]) ~= floor(updated[rule] / renewal[rule]) then
          call('PEXPIRE', bucket_key, ttl[rule])
        end
      end
      filled = filled + 1
      reply[filled] = floor(left * 1000000)
    end
    if debts then
      for rule = 1, rules do
        filled = filled + 1
        reply[filled] = floor(unpaid[rule] * 1000000)
      end
    end
    key = key + rules
  end
end
reply[filled + 1] = damaged
return reply
