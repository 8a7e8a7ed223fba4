"""What happens inside Redis, each script at once: nobody sees an entry without its account, or past its fence.

One hash per resource, under the prefix `gateway-cache:`. `e:<key>` holds its variants: `v:<variant>` the packed answer,
`m:<variant>` when it was made, until when it is fresh, and when its fetch began; `vary` the request fields that tell
variants apart; `groups` what invalidates it. `lru`, `ends` and `sizes` keep the accounts of all of them, `bytes` their
sum. `g:<group>` holds the keys of a group.

`fence` is what keeps an answer out that was fetched before a change and would be stored after it. It counts the
invalidations (`epoch`); `i:<group>` is the number of the group's last one, kept far longer than a fetch can take. Who
fetches carries the number it began with. `life` is new whenever Redis has lost everything, the numbers with it. Times
are milliseconds by Redis' own clock, so that the gateways' need not agree. Keys are computed, which one server allows
and a Redis cluster would not.
"""

PREFIX = "gateway-cache:"

_COMMON = """
local P = 'gateway-cache:'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function fence()
  local known = redis.call('HMGET', P .. 'fence', 'life', 'epoch')
  if known[1] and known[2] then return known[1], tonumber(known[2]) end
  local life = time[1] .. '.' .. time[2]
  redis.call('HSET', P .. 'fence', 'life', life, 'epoch', 0)
  return life, 0
end

local function remove(key)
  local entry = P .. 'e:' .. key
  if redis.call('TYPE', entry).ok == 'hash' then
    local groups = redis.call('HGET', entry, 'groups') or ''
    for group in string.gmatch(groups, '%S+') do redis.call('SREM', P .. 'g:' .. group, key) end
  end
  local size = redis.call('HGET', P .. 'sizes', key)
  if size then
    redis.call('HDEL', P .. 'sizes', key)
    redis.call('DECRBY', P .. 'bytes', size)
  end
  redis.call('ZREM', P .. 'lru', key)
  redis.call('ZREM', P .. 'ends', key)
  redis.call('DEL', entry)
end

-- the variant that a request selects: `vary` names fields, from ARGV[first] on stand those the request has
local function variant(vary, first)
  local has, parts = {}, {}
  for at = first, #ARGV, 2 do has[ARGV[at]] = ARGV[at + 1] end
  for name in string.gmatch(vary, '[^,]+') do
    parts[#parts + 1] = has[name] and (name .. '=' .. has[name]) or name
  end
  return redis.sha1hex(table.concat(parts, '\\n'))
end

local function release(key, token)
  if token ~= '' and redis.call('GET', P .. 'l:' .. key) == token then redis.call('DEL', P .. 'l:' .. key) end
end
"""

LOOK_UP = (
    _COMMON
    + """
-- key, token ('' to look only), lock in ms, then name and value of each request field that may select
local key, token, lock = ARGV[1], ARGV[2], ARGV[3]
local life, epoch = fence()
local entry = P .. 'e:' .. key
local vary = redis.call('TYPE', entry).ok == 'hash' and redis.call('HGET', entry, 'vary')
local value, made, fresh = false, '0', 0
if vary then
  local which = variant(vary, 4)
  local found = redis.call('HMGET', entry, 'v:' .. which, 'm:' .. which)
  if found[1] and found[2] then
    value = found[1]
    made, fresh = string.match(found[2], '^(%S+) (%S+)')
    redis.call('ZADD', P .. 'lru', 'XX', now, key)
  end
end
local claimed = false
if token ~= '' and (not value or now >= tonumber(fresh)) then
  claimed = redis.call('SET', P .. 'l:' .. key, token, 'NX', 'PX', lock)
end
return { life, epoch, now, value, made, vary and 1 or 0, claimed and 1 or 0 }
"""
)
"""Look for the variant of a resource that fits; if it is not fresh and a token is given, try to become its fetcher."""

PUT = (
    _COMMON
    + """
-- key, token, life, epoch, began, packed, age, lifetime and keep in ms, limit in bytes, variants, vary, groups, fields
local key, token, life, epoch, began = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local packed, age, lifetime, keep = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local limit, variants, vary, groups = tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12], ARGV[13]
release(key, token)
for _, gone in ipairs(redis.call('ZRANGE', P .. 'ends', '-inf', now, 'BYSCORE', 'LIMIT', 0, 50)) do remove(gone) end
local function total() return tonumber(redis.call('GET', P .. 'bytes') or '0') end
if fence() ~= life then return { 'lost', total(), 0 } end
if now - began > 60000 or now < began then return { 'late', total(), 0 } end
for group in string.gmatch(groups, '%S+') do
  local last = redis.call('GET', P .. 'i:' .. group)
  if last and tonumber(last) > epoch then return { 'invalidated', total(), 0 } end
end

local entry, which = P .. 'e:' .. key, variant(vary, 14)
if redis.call('TYPE', entry).ok ~= 'hash' or redis.call('HGET', entry, 'vary') ~= vary then remove(key) end
local meta = redis.call('HGET', entry, 'm:' .. which)
if meta and tonumber(string.match(meta, '(%S+)$')) > began then return { 'older', total(), 0 } end
-- an entry has two fields for each variant, and two of its own
if not meta and redis.call('HLEN', entry) >= 2 * variants + 2 then remove(key) end

local all = {}
for group in string.gmatch((redis.call('HGET', entry, 'groups') or '') .. ' ' .. groups, '%S+') do
  if not all[group] then
    all[group] = true
    all[#all + 1] = group
    redis.call('SADD', P .. 'g:' .. group, key)
  end
end
local made = now - age
local old = redis.call('HSTRLEN', entry, 'v:' .. which)
redis.call('HSET', entry, 'vary', vary, 'groups', table.concat(all, ' '), 'v:' .. which, packed,
  'm:' .. which, string.format('%d %d %d', made, made + lifetime, began))
-- what the accounts and the groups' sets take is charged to the entry, by estimate
local before = tonumber(redis.call('HGET', P .. 'sizes', key) or '0')
local kept = before == 0 and 0 or before - old
local size = kept + #packed + (before == 0 and 512 + 160 * #all or 0) + (old == 0 and 160 or 0)
redis.call('HSET', P .. 'sizes', key, size)
redis.call('INCRBY', P .. 'bytes', size - before)
redis.call('ZADD', P .. 'lru', now, key)
redis.call('ZADD', P .. 'ends', 'GT', made + keep, key)

local evicted = 0
while total() > limit do
  local oldest = redis.call('ZRANGE', P .. 'lru', 0, 0)[1]
  if not oldest then break end
  remove(oldest)
  evicted = evicted + 1
end
return { 'stored', total(), evicted }
"""
)
"""Store a variant, unless what it shows may have changed since its fetch began; the least recently used make room."""

INVALIDATE = (
    _COMMON
    + """
-- how long an invalidation is remembered in ms, then the groups
fence()
local epoch = redis.call('HINCRBY', P .. 'fence', 'epoch', 1)
local removed = 0
for at = 2, #ARGV do
  redis.call('SET', P .. 'i:' .. ARGV[at], epoch, 'PX', ARGV[1])
  for _, key in ipairs(redis.call('SMEMBERS', P .. 'g:' .. ARGV[at])) do
    remove(key)
    removed = removed + 1
  end
  redis.call('DEL', P .. 'g:' .. ARGV[at])
end
return removed
"""
)
"""Remove every resource of the groups, and keep out what is being fetched of them."""

RELEASE = _COMMON + "\nrelease(ARGV[1], ARGV[2])\nreturn 1\n"
"""Give up being a resource's fetcher; of use to those who wait."""
