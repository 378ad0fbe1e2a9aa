#!lua flags=allow-oom
-- One step of the breakers of many upstreams: machine.ts over the truth in Redis, compare-and-set by epoch.
-- KEYS[1] hash of all breakers
-- ARGV[1] channel for events
-- ARGV[2] JSON: { node, liveNodes, validUntilMs or absent, upstreams: [{ name, rule, window or absent, random, ops }] },
--   see sync.ts and state.ts
-- returns one row per upstream: { kind, epoch, failures, openForMs, successes, trips, isolated 0|1, reason,
--   forced OPEN|CLOSED or empty, forcedForMs, now, narrow or empty, calm, permit... }; error LATE, before anything is
--   done, after validUntilMs
-- Nodes of older versions run an older script over the same hash: what it does not know (tallies, narrow) it leaves as it
-- is, so tallies carry the time they mean something, and narrow the epoch it belongs to.
-- Times are Redis's own (ms). Reads only, unless an op or the passing of time changes something.
local VOTE_MS, ISOLATED_MS, CLOCK_SLACK_MS, MOST_FORCED_MS, LONGEST_AHEAD_MS, LONGEST_TEXT, LONGEST_TALLIES =
  10000, 30000, 1000, 86400000, 1e12, 4096, 262144
local hash, channel = KEYS[1], ARGV[1]
local request = cjson.decode(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local node = request.node
-- It lay in a socket while this server hung: its sender has counted it as lost, and told people so.
if request.validUntilMs and now > request.validUntilMs then return redis.error_reply('LATE request: this server hung, or its clock was set') end

local function whole(n) return string.format('%.0f', n) end
-- Others write here too: what is no whole number, or larger than any of ours, is none.
local function whole_in(text) if text and #text <= 15 then return tonumber(string.match(text, '^%d+$')) end end
local function short(text) return string.sub(text or '', 1, LONGEST_TEXT) end

-- 'a=1,b=2' <-> { { id = 'a', till = 1 }, ... }
local function parse_holds(text)
  local holds = {}
  for id, till in string.gmatch(text or '', '([^=,]+)=(%d+)') do holds[#holds + 1] = { id = id, till = tonumber(till) } end
  return holds
end
local function print_holds(holds)
  local out = {}
  for i, hold in ipairs(holds) do out[i] = hold.id .. '=' .. whole(hold.till) end
  return table.concat(out, ',')
end
local function without(holds, id)
  local out = {}
  for _, hold in ipairs(holds) do if hold.id ~= id then out[#out + 1] = hold end end
  return out
end
local function alive(holds, longest)
  local out = {}
  for _, hold in ipairs(holds) do
    if hold.till > now then out[#out + 1] = { id = hold.id, till = math.min(hold.till, now + longest) } end
  end
  return out
end
local function with_hold(holds, id, length)
  local out = without(holds, id)
  out[#out + 1] = { id = id, till = now + length }
  return out
end
local function has(list, id)
  for _, item in ipairs(list) do if item == id or (type(item) == 'table' and item.id == id) then return true end end
  return false
end

-- Field suffix and the key in `b`; '' is the state itself. `written` repeats the state as a script last wrote it:
-- where the two differ a person has changed it by hand.
local FIELDS = { '', ':written', ':failures', ':opened_at', ':open_until', ':epoch', ':reason', ':node', ':trips',
  ':successes', ':leases', ':failed_nodes', ':votes', ':isolated', ':forced', ':forced_at', ':forced_until',
  ':tallies', ':narrow' }

local function read(name)
  local names = {}
  for i, suffix in ipairs(FIELDS) do names[i] = name .. suffix end
  local stored = redis.pcall('HMGET', hash, unpack(names))
  if stored.err then -- no hash at all: nothing in it can be ours
    redis.call('DEL', hash)
    stored = redis.call('HMGET', hash, unpack(names))
  end
  local kind = string.upper(short(stored[1] or 'CLOSED'))
  if kind ~= 'OPEN' and kind ~= 'HALF_OPEN' then kind = 'CLOSED' end
  local failed_nodes = {}
  for id in string.gmatch(short(stored[12]), '[^,]+') do failed_nodes[#failed_nodes + 1] = id end
  local forced, forced_at, forced_until = string.upper(short(stored[15])), whole_in(stored[16]), whole_in(stored[17])
  if not forced_until or (forced ~= 'OPEN' and forced ~= 'CLOSED') then forced, forced_until = nil, nil end
  local epoch = whole_in(stored[6]) or 0
  if epoch > now + LONGEST_AHEAD_MS then epoch = 0 end -- ours are times; from up there it would grow out of what is read
  local narrow_epoch, narrow = string.match(short(stored[19]), '^(%d+):(.+)$')
  if tonumber(narrow_epoch) ~= epoch or kind == 'CLOSED' then narrow = nil end
  return {
    tallies_text = #(stored[18] or '') <= LONGEST_TALLIES and stored[18] or nil, narrow = narrow,
    stored = stored, kind = kind, written = short(stored[2] or 'CLOSED'), failures = whole_in(stored[3]) or 0,
    opened_at = whole_in(stored[4]), open_until = whole_in(stored[5]), epoch = epoch,
    reason = short(stored[7]), node = short(stored[8]), trips = whole_in(stored[9]) or 0,
    successes = whole_in(stored[10]) or 0, permits = parse_holds(short(stored[11])), failed_nodes = failed_nodes,
    votes = parse_holds(short(stored[13])), isolated = parse_holds(short(stored[14])),
    forced = forced, forced_at = forced_at or (forced and now), forced_until = forced_until,
  }
end

local function write(name, b)
  local function text(n) if n and n ~= 0 then return whole(n) end end
  local function some(s) if s ~= '' then return s end end
  local fresh = b.epoch == 0 and b.failures == 0 and #b.votes == 0 and #b.isolated == 0 and not b.tallies_text and not b.stored[1]
  local want = {
    not fresh and b.kind or nil, not fresh and b.kind or nil, not fresh and whole(b.failures) or nil,
    text(b.opened_at), text(b.open_until), text(b.epoch), some(b.reason), some(b.node), text(b.trips),
    text(b.successes), some(print_holds(b.permits)), some(table.concat(b.failed_nodes, ',')), some(print_holds(b.votes)),
    some(print_holds(b.isolated)), b.forced, text(b.forced_at), text(b.forced_until),
    b.tallies_text, b.narrow and whole(b.epoch) .. ':' .. b.narrow,
  }
  local set, del = {}, {}
  for i, suffix in ipairs(FIELDS) do
    local old = b.stored[i] or nil
    if want[i] ~= old then
      if want[i] then set[#set + 1] = name .. suffix set[#set + 1] = want[i] else del[#del + 1] = name .. suffix end
    end
  end
  if #set > 0 then redis.call('HSET', hash, unpack(set)) end
  if #del > 0 then redis.call('HDEL', hash, unpack(del)) end
end

local function open_for(rule, trips, random)
  if trips <= 1 then return rule.resetTimeoutMs end
  local cap = math.max(rule.openCapMs, rule.resetTimeoutMs)
  local base = math.min(cap, rule.resetTimeoutMs * rule.openFactor ^ (trips - 1))
  return math.floor(base * (1 + rule.openJitter * random))
end

-- Whatever stands there, by whomever: only what is a tally is read as one.
local function sound_tally(t)
  if type(t) ~= 'table' or type(t[1]) ~= 'number' or type(t[2]) ~= 'number' or type(t[3]) ~= 'number' then return false end
  for _, c in ipairs(type(t[4]) == 'table' and t[4] or { false }) do
    if type(c) ~= 'table' or type(c[1]) ~= 'string' or type(c[2]) ~= 'number' or type(c[3]) ~= 'number' then return false end
  end
  return true
end
-- Tallies: { node = { till, requests, failed, { { client, requests, failed }, ... } } }, see evidence.ts.
local function window_ms(up) return up.window and up.window.windowMs or VOTE_MS end
local function tallies_of(up, b)
  if b.tallies then return b.tallies end
  local ok, all = pcall(cjson.decode, b.tallies_text or '{}')
  b.tallies = {}
  if not ok or type(all) ~= 'table' then return b.tallies end
  for id, t in pairs(all) do
    if sound_tally(t) and t[1] > now then
      b.tallies[id] = { math.min(t[1], now + window_ms(up)), t[2], t[3], t[4] }
    end
  end
  return b.tallies
end
local function weigh(tallies, except)
  local requests, failed, shares, active, calm, clients, sole = 0, 0, 0, 0, 0, {}, nil
  for id, t in pairs(tallies) do
    if id ~= except then
      requests, failed = requests + t[2], failed + t[3]
      for _, c in ipairs(t[4]) do
        local known = clients[c[1]] or { 0, 0 }
        clients[c[1]] = { known[1] + c[2], known[2] + c[3] }
      end
    end
  end
  for id, c in pairs(clients) do
    active = active + 1
    if c[2] == 0 then calm = calm + 1 else shares, sole = shares + c[2] / c[1], id end
  end
  local of_all = requests == 0 and 0 or failed / requests
  local of_clients = active == 0 and of_all or shares / active
  return { requests = requests, share = math.min(of_all, of_clients), active = active, calm = calm,
    sole = active - calm == 1 and sole or nil }
end
local function is_over_rate(up, e)
  local w = up.window
  if not w or w.errorRate == 0 or e.requests < w.minVolume or e.active == e.calm then return false end
  return e.share + 1e-9 >= w.errorRate and (e.active < 2 or e.active - e.calm >= 2)
end

-- Every transition goes through here: new epoch, clean fields, event.
local function move(up, b, to)
  local from = to.from or b.kind
  b.kind, b.epoch, b.reason, b.node, b.trips = to.kind, math.max(b.epoch + 1, now), to.reason, to.node or node, to.trips
  b.opened_at, b.successes, b.permits, b.failed_nodes, b.votes = nil, to.successes or 0, {}, {}, {}
  b.tallies, b.tallies_text, b.narrow = {}, nil, to.narrow
  if to.kind == 'OPEN' then
    b.opened_at, b.open_until = now, to.open_until or now + open_for(up.rule, to.trips, up.random)
  else
    b.open_until = nil
  end
  if to.kind == 'CLOSED' then b.failures = 0 end
  b.moved, b.written = true, to.kind
  redis.pcall('PUBLISH', channel, cjson.encode({
    type = 'circuit-breaker', upstream = up.name, from = from, to = to.kind, epoch = b.epoch, reason = b.reason,
    node = b.node, time = now, failures = b.failures, open_for_ms = b.open_until and b.open_until - now or 0,
    forced_for_ms = b.forced and b.forced_until - now or 0, narrow = b.narrow or '',
  }))
end

local function by_hand(up, b)
  local till = b.open_until
  if not till or till <= now then till = nil end
  move(up, b, { from = b.written, kind = b.kind, reason = 'by_hand', node = '', trips = b.kind == 'CLOSED' and 0 or 1, open_until = till })
end

local function close(up, b) move(up, b, { kind = 'CLOSED', reason = 'probes_succeeded', trips = 0 }) end

-- What an operator said goes before the machine, and before what a person or a node of an older version wrote since.
local function obey(up, b)
  local trips = b.forced == 'CLOSED' and 0 or math.max(1, b.trips)
  move(up, b, { kind = b.forced, reason = 'operator', trips = trips, open_until = b.forced_until })
end

-- The machine goes on from what was forced: probes decide over OPEN, CLOSED begins to count at 0.
local function release(up, b, reason)
  local forced = b.forced
  b.forced, b.forced_until = nil, nil -- forced_at stays: a word that was said before it must not come after it
  if b.kind ~= forced then return end -- a node of an older version has moved it already
  if forced == 'OPEN' then return move(up, b, { kind = 'HALF_OPEN', reason = reason, trips = b.trips }) end
  move(up, b, { kind = 'CLOSED', reason = reason, trips = 0 })
end

local function settle_forced(up, b)
  local back = b.forced_at - now
  if back > CLOCK_SLACK_MS then b.forced_at, b.forced_until = now, b.forced_until - back end
  b.forced_until = math.min(b.forced_until, now + MOST_FORCED_MS)
  if now >= b.forced_until then return release(up, b, 'override_ended') end
  if b.kind ~= b.forced or b.reason ~= 'operator' then obey(up, b) end
  b.written = b.kind
  if b.kind == 'OPEN' then b.opened_at, b.open_until = b.forced_at, b.forced_until end
end

-- Requests are to prove whether it is well.
local function end_opening(up, b, reason)
  move(up, b, { kind = 'HALF_OPEN', reason = reason, trips = b.trips, narrow = b.narrow, successes = b.successes })
end

local function settle(up, b)
  if b.forced then return settle_forced(up, b) end
  if b.forced_at then b.forced_at = math.min(b.forced_at, now) end
  if b.kind ~= b.written then by_hand(up, b) end
  if b.kind == 'CLOSED' then
    b.votes = alive(b.votes, VOTE_MS)
  elseif b.kind == 'HALF_OPEN' then
    if b.successes >= up.rule.halfOpenSuccesses then return close(up, b) end
    b.permits = alive(b.permits, up.rule.permitMs)
  else
    -- A field taken away by hand must not leave it open for ever.
    b.opened_at = b.opened_at or now
    b.open_until = b.open_until or now + up.rule.resetTimeoutMs
    local back = b.opened_at - now
    if back > CLOCK_SLACK_MS then b.opened_at, b.open_until = now, b.open_until - back end
    -- However far in the future somebody wrote it; whoever wants longer has the override.
    b.open_until = math.min(b.open_until, now + 2 * math.max(up.rule.openCapMs, up.rule.resetTimeoutMs))
    -- Its override was taken away by hand: what is left of that time is nobody's wish.
    if b.reason == 'operator' then return move(up, b, { kind = 'HALF_OPEN', reason = 'by_hand', trips = b.trips }) end
    if now >= b.open_until then end_opening(up, b, 'reset_timeout') end
  end
end

-- As permit-room.ts.
local function client_of(permit) return string.match(permit, '~(.*)$') end
local function has_room(up, b, permit)
  if #b.permits < up.rule.halfOpenSuccesses - b.successes then return true end
  local asker, holder = client_of(permit), b.permits[1] and client_of(b.permits[1].id)
  if not asker or not holder or asker == holder then return false end
  for _, hold in ipairs(b.permits) do if client_of(hold.id) ~= holder then return false end end
  return true
end
local function speaks_of(b, epoch) return b.epoch == 0 or b.epoch == epoch end
local function add_node(b) if not has(b.failed_nodes, node) then b.failed_nodes[#b.failed_nodes + 1] = node end end

local apply = {}
function apply.look() end
function apply.report(up, b, op)
  if b.kind ~= 'CLOSED' or b.forced or not speaks_of(b, op.epoch) then return end
  if op.success then b.failures, b.failed_nodes = 0, {} end
  b.failures = b.failures + op.failures
  if op.failures > 0 then add_node(b) end
  local tallies, trip = tallies_of(up, b), op.trip
  if op.tally then
    tallies[node] = { now + window_ms(up), op.tally.requests, op.tally.failed, op.tally.clients }
    -- Nothing to remember of a node that saw nobody; JSON has one empty table for lists and objects.
    if #op.tally.clients == 0 and op.tally.requests == 0 then tallies[node] = nil end
    b.tallies_text = next(tallies) and cjson.encode(tallies) or nil
  end
  local evidence = weigh(tallies)
  if op.tally and trip ~= 'slow_calls' then
    local counts = op.failures > 0 or trip == 'error_rate'
    trip = counts and is_over_rate(up, evidence) and 'error_rate' or 'none'
  end
  local narrow = op.tally and evidence.sole or nil
  local quorum = math.max(1, math.min(up.rule.minNodes, request.liveNodes))
  if trip ~= 'none' then
    b.votes = with_hold(b.votes, node, VOTE_MS)
    if trip == 'slow_calls' then narrow = nil end
    if #b.votes >= quorum then return move(up, b, { kind = 'OPEN', reason = trip, trips = 1, narrow = narrow }) end
  end
  if b.failures >= up.rule.failureThreshold and #b.failed_nodes >= quorum and evidence.calm == 0 then
    if trip == 'slow_calls' then narrow = op.tally and evidence.sole or nil end
    move(up, b, { kind = 'OPEN', reason = 'consecutive_failures', trips = 1, narrow = narrow })
  end
end
function apply.remind(up, b, op)
  if b.kind ~= 'CLOSED' or b.forced or not speaks_of(b, op.epoch) then return end
  b.failures = math.max(b.failures, math.min(op.failures, up.rule.failureThreshold - 1))
  if b.failures > 0 then add_node(b) else b.failed_nodes = {} end
end
function apply.ask(up, b, op)
  if b.kind ~= 'HALF_OPEN' or not has_room(up, b, op.permit) then return end
  b.permits = with_hold(b.permits, op.permit, up.rule.permitMs)
  b.granted[#b.granted + 1] = op.permit
end
function apply.renew(up, b, op)
  if b.kind ~= 'HALF_OPEN' or op.epoch ~= b.epoch then return end
  if has(b.permits, op.permit) or has_room(up, b, op.permit) then
    b.permits = with_hold(b.permits, op.permit, up.rule.permitMs)
  end
end
function apply.result(up, b, op)
  if b.kind ~= 'HALF_OPEN' or op.epoch ~= b.epoch or not has(b.permits, op.permit) then return end
  b.permits = without(b.permits, op.permit)
  if op.outcome == 'failure' then
    local narrow = client_of(op.permit)
    return move(up, b, { kind = 'OPEN', reason = 'probe_failed', trips = b.trips + 1, narrow = narrow })
  end
  if op.outcome ~= 'success' then return end
  b.successes = b.successes + 1
  if b.successes >= up.rule.halfOpenSuccesses then close(up, b) end
end
-- Somebody has passed who did not cause the opening.
function apply.other(up, b, op)
  if b.kind == 'CLOSED' or b.forced or b.narrow ~= op.culprit or op.client == op.culprit then return end
  if op.outcome == 'failure' then return move(up, b, { kind = 'OPEN', reason = 'second_client', trips = b.trips }) end
  b.successes = b.successes + 1
  if b.successes >= up.rule.halfOpenSuccesses then return close(up, b) end
  if b.kind == 'OPEN' then b.open_until = math.max(b.open_until, now + up.rule.resetTimeoutMs) end
end
-- Probes of its targets have found it well.
function apply.probed(up, b, op)
  if b.kind == 'OPEN' and not b.forced and op.epoch == b.epoch then end_opening(up, b, 'health_probes') end
end
-- The newest word wins, whenever it comes: a node says again what it said while it could not reach this server.
function apply.force(up, b, op)
  local said = math.min(op.saidMs or now, now)
  if said < math.min(b.forced_at or 0, now) then return end
  b.forced_at = said
  local ended = op.state ~= 'AUTO' and said + op.forMs <= now
  if op.state == 'AUTO' or ended then
    if b.forced then release(up, b, ended and 'override_ended' or 'operator') end
    return
  end
  b.forced, b.forced_until = op.state, said + op.forMs
  obey(up, b)
end
function apply.isolated(_, b, op)
  if op.mark == 'clear' then
    b.isolated = without(b.isolated, node)
  elseif op.mark == 'set' or has(b.isolated, node) then
    b.isolated = with_hold(alive(b.isolated, ISOLATED_MS), node, ISOLATED_MS)
  end
end

local reply = {}
for i, up in ipairs(request.upstreams) do
  local b = read(up.name)
  b.granted = {}
  local failures = b.failures
  settle(up, b)
  for _, op in ipairs(up.ops) do
    settle(up, b)
    -- An op of a newer version of the gateway is no reason to fail the others.
    if apply[op.op] then apply[op.op](up, b, op) end
  end
  if b.kind == 'CLOSED' and not b.moved and b.failures ~= failures then
    redis.pcall('PUBLISH', channel, cjson.encode({
      type = 'circuit-breaker-failures', upstream = up.name, failures = b.failures, epoch = b.epoch, node = node, time = now,
    }))
  end
  write(up.name, b)
  local calm = b.kind == 'CLOSED' and b.tallies_text and weigh(tallies_of(up, b), node).calm or 0
  local row = { b.kind, whole(b.epoch), b.failures, b.kind == 'OPEN' and math.max(0, b.open_until - now) or 0, b.successes,
    b.trips, has(b.isolated, node) and 1 or 0, b.reason, b.forced or '', b.forced and b.forced_until - now or 0, now, b.narrow or '', calm }
  for _, permit in ipairs(b.granted) do row[#row + 1] = permit end
  reply[i] = row
end
return reply
