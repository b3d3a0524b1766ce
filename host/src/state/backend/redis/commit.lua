-- Applies one change, whole or not at all; answers 1, or 0 when something was
-- not as expected.
--
-- KEYS[1] is the counter of commits; every other key begins as it does. The
-- arguments are what Redis::commit lays down, in the same order.
--
-- INCR is the first write: a Redis that is full or read-only refuses there,
-- before anything has changed, and refuses nothing after it.

local prefix = string.sub(KEYS[1], 1, -1 - string.len('commits'))

local place = 0
local function take()
    place = place + 1
    return ARGV[place]
end

local function record_of(key)
    return prefix .. 'record:' .. key
end

local function index_of(name)
    return prefix .. 'index:' .. name
end

local function remove(key)
    local record = record_of(key)
    local listed = redis.call('HGET', record, 'indexes')
    if listed then
        for _, name in ipairs(cjson.decode(listed)) do
            redis.call('ZREM', index_of(name), key)
        end
    end
    redis.call('DEL', record)
end

-- An index ends with the last of its members; before, it is rid of those that
-- ended long ago whenever one is added.
local function list(name, key, score, life, horizon)
    local index = index_of(name)
    redis.call('ZREMRANGEBYSCORE', index, '-inf', horizon)
    redis.call('ZADD', index, score, key)
    if life == '' then
        redis.call('PERSIST', index)
        return
    end
    local left = redis.call('PTTL', index)
    local alone = redis.call('ZCARD', index) == 1
    if alone or (left >= 0 and left < tonumber(life)) then
        redis.call('PEXPIRE', index, life)
    end
end

local now = take()
local horizon = take()

for _ = 1, tonumber(take()) do
    local key, version = take(), take()
    if (redis.call('HGET', record_of(key), 'version') or '0') ~= version then
        return 0
    end
end

for _ = 1, tonumber(take()) do
    local name, count = take(), take()
    if redis.call('ZCOUNT', index_of(name), '(' .. now, '+inf') ~= tonumber(count) then
        return 0
    end
end

local version = string.format('%.0f', redis.call('INCR', KEYS[1]))

for _ = 1, tonumber(take()) do
    remove(take())
end

for _ = 1, tonumber(take()) do
    local key, body, expires_at, life, indexes = take(), take(), take(), take(), take()
    local record = record_of(key)
    remove(key)
    redis.call('HSET', record, 'version', version, 'body', body, 'indexes', indexes)
    local score = '+inf'
    if expires_at ~= '' then
        redis.call('HSET', record, 'expires_at', expires_at)
        score = expires_at
    end
    if life ~= '' then
        redis.call('PEXPIRE', record, life)
    end
    for _, name in ipairs(cjson.decode(indexes)) do
        list(name, key, score, life, horizon)
    end
end

local kept = take()
local count = tonumber(take())
if count > 0 then
    local log = prefix .. 'events'
    local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
    local number = last and tonumber(string.match(last[1], '^%d+')) or 0
    for _ = 1, count do
        number = number + 1
        local id = string.format('%.0f-0', number)
        redis.call('XADD', log, 'MAXLEN', '~', kept, id, 'event', take())
    end
end

return 1
