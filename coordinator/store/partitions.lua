---- partitions: a part of marathon.lua, put in there where it says that it comes ----

local function put_fence(text)
    if text then
        redis.call('SET', owner, text)
    else
        redis.call('DEL', owner)
    end
    fences[owner] = text
end

local function claim()
    local record, epoch, nonce, name = key(), arg(), arg(), arg()
    local r = redis.call('HMGET', record, 'epoch', 'nonce')
    local stored = r[1] and r[1] .. ':' .. r[2] or ''
    if stored ~= fence then
        return FENCED
    end
    redis.call('HSET', record, 'epoch', epoch, 'nonce', nonce, 'owner', name)
    redis.call('HDEL', record, 'wish')
    redis.call('HINCRBY', record, 'hb', 1)
    put_fence(name ~= '' and epoch .. ':' .. nonce)
    return OK
end

-- Tasks whose keys have expired leave the list here, a bite at a time.
local function sweep(p)
    local ids = redis.call('ZRANGE', p.ended, '-inf', '(' .. string.format('%.0f', now_ms()), 'BYSCORE',
        'LIMIT', 0, SWEPT_PER_RENEWAL)
    if #ids > 0 then
        redis.call('ZREM', p.list, unpack(ids))
        redis.call('ZREM', p.dead, unpack(ids))
        redis.call('ZREM', p.ended, unpack(ids))
    end
end

local function renew()
    local record = key()
    if fenced() then
        return FENCED
    end
    redis.call('HINCRBY', record, 'hb', 1)
    sweep(place())
    return OK
end

local function release()
    local record = key()
    if fenced() then
        return FENCED
    end
    redis.call('HSET', record, 'owner', '')
    redis.call('HINCRBY', record, 'hb', 1)
    put_fence(false)
    return OK
end

-- The wish outlives the release that it leads to, and ends with the next claim.
local function wish()
    local record, nonce = key(), arg()
    if fenced() then
        return FENCED
    end
    redis.call('HSET', record, 'wish', nonce)
    return OK
end
