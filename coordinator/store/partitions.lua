---- partitions: a part of marathon.lua, which embed.cmake inserts there ----

-- Writes or deletes the partition's fence. Later rows of this call may have the same partition with another fence.
local function put_fence(text)
    local name = owners[owner]
    if text then
        redis.call('SET', name, text)
    else
        redis.call('DEL', name)
    end
    for i = 1, #owners do
        if owners[i] == name then
            stands[i] = fences[i] == text
        end
    end
end

local function claim()
    local record, epoch, nonce, name = key(), arg(), arg(), arg()
    local r = redis.call('HMGET', record, 'epoch', 'nonce')
    local stored = r[1] and r[1] .. ':' .. r[2] or ''
    if stored ~= fences[owner] then
        return FENCED
    end
    redis.call('HSET', record, 'epoch', epoch, 'nonce', nonce, 'owner', name)
    redis.call('HDEL', record, 'wish')
    redis.call('HINCRBY', record, 'hb', 1)
    redis.call('UNLINK', place().ended) -- an index of older versions; now sweep finds these names by itself
    put_fence(name ~= '' and epoch .. ':' .. nonce)
    return OK
end

-- Appends to gone the ids, of those from .. to, whose tasks no longer exist. Bisects, since mostly all or none exist.
local function add_gone(p, ids, from, to, gone)
    local names = {}
    for i = from, to do
        names[#names + 1] = p.task .. ids[i]
    end
    local there = redis.call('EXISTS', unpack(names))
    if there == 0 then
        for i = from, to do
            gone[#gone + 1] = ids[i]
        end
    elseif there < #names then
        local middle = math.floor((from + to) / 2)
        add_gone(p, ids, from, middle, gone)
        add_gone(p, ids, middle + 1, to, gone)
    end
end

-- Removes what is left of tasks that no longer exist: their names, and keys that an operator who deleted the task overlooked. An
-- admission relies on this: if the list does not have an id, none of its keys exists.
local function forget(p, gone)
    local sides = {}
    for _, id in ipairs(gone) do
        sides[#sides + 1] = p.error .. id
        sides[#sides + 1] = p.items .. id
    end
    redis.call('DEL', unpack(sides))
    redis.call('ZREM', p.dead, unpack(gone))
    redis.call('ZREM', p.list, unpack(gone))
end

-- Removes names of tasks that no longer exist from the list, some at a time, and more as long as there are any. Examines only
-- tasks created so long ago that they may have ended and expired, starting where the last renewal stopped.
local function sweep(p, ttl_s)
    local old = redis.call('ZCOUNT', p.list, '-inf', '(' .. string.format('%.0f', now_ms() - ttl_s * 1000))
    local at, bites = p.swept_to or 0, SWEPT_BITES
    while old > 0 and bites > 0 do
        at = at < old and at or 0
        local ids, gone = redis.call('ZRANGE', p.list, at, math.min(at + SWEPT_BITE, old) - 1), {}
        add_gone(p, ids, 1, #ids, gone)
        at, old, bites = at + #ids - #gone, old - #gone, #gone > 0 and bites - 1 or 0
        if #gone > 0 then
            forget(p, gone)
        end
    end
    p.swept_to = old > 0 and at or 0
end

local function renew()
    local record, ttl_s = key(), arg()
    if not stands[owner] then
        return FENCED
    end
    redis.call('HINCRBY', record, 'hb', 1)
    sweep(place(), ttl_s)
    return OK
end

local function release()
    local record = key()
    if not stands[owner] then
        return FENCED
    end
    redis.call('HSET', record, 'owner', '')
    redis.call('HINCRBY', record, 'hb', 1)
    put_fence(false)
    return OK
end

-- The wish outlives the release that it causes; the next claim removes it.
local function wish()
    local record, nonce = key(), arg()
    if not stands[owner] then
        return FENCED
    end
    redis.call('HSET', record, 'wish', nonce)
    return OK
end
