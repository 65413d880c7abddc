---- limits: a part of marathon.lua, which embed.cmake inserts there ----

-- Limits shared by all coordinators. A sorted set has the holders of a key (holder and epoch, by the end of the lease), a hash
-- its waiters (since when, and until when that counts), a string the time at which a rate lets the next one pass. Times are
-- microseconds of this server's clock. Expired entries are removed when they could matter, or with their key, which always has a
-- TTL.

local function us_text(us)
    return string.format('%.0f', us)
end

-- Begins a new lease. A place that the holder had from the partition's previous owner becomes this owner's.
local function limit_hold(set, op, now)
    redis.call('ZREM', set, op.holder .. ' ' .. us_text(op.epoch - 1))
    redis.call('ZADD', set, us_text(now + op.lease), op.holder .. ' ' .. us_text(op.epoch))
    redis.call('PEXPIRE', set, us_text(math.ceil(op.lease / 1000)))
end

local function limit_held(set, op)
    return redis.call('ZSCORE', set, op.holder .. ' ' .. us_text(op.epoch)) or
        redis.call('ZSCORE', set, op.holder .. ' ' .. us_text(op.epoch - 1))
end

-- Returns how many have waited longer than the caller, and since when the caller has waited.
local function limit_line(line, op, now)
    local own, since, before = nil, {}, 0
    local entries = redis.call('HGETALL', line)
    for i = 1, #entries, 2 do
        local from, to = entries[i + 1]:match('(%d+) (%d+)')
        if tonumber(to) <= now then
            redis.call('HDEL', line, entries[i])
        elseif entries[i] == op.waiter then
            own = tonumber(from)
        else
            since[#since + 1] = tonumber(from)
        end
    end
    for _, from in ipairs(since) do
        before = before + ((own == nil or from < own) and 1 or 0)
    end
    return before, own
end

-- Returns 0: granted; 1: the key is full; else 1 + the milliseconds until the rate lets one pass.
local function limit_take(set, line, rate, op, now)
    if op.limit > 0 then
        redis.call('ZREMRANGEBYSCORE', set, '-inf', us_text(now))
        if not limit_held(set, op) then
            local before, own = limit_line(line, op, now)
            if redis.call('ZCARD', set) + before >= op.limit then
                redis.call('HSET', line, op.waiter, us_text(own or now) .. ' ' .. us_text(now + op.patience))
                redis.call('PEXPIRE', line, us_text(math.ceil(op.patience / 1000)))
                return 1
            end
        end
    end
    if op.interval > 0 then
        local wait = tonumber(redis.call('GET', rate) or '0') - now
        if wait > 0 then
            return math.ceil(wait / 1000) + 1
        end
        redis.call('SET', rate, us_text(now + op.interval), 'PX', us_text(math.ceil(op.interval / 1000)))
    end
    if op.limit > 0 then
        limit_hold(set, op, now)
        redis.call('HDEL', line, op.waiter)
    end
    return 0
end

-- Three keys and eight arguments per operation: redis_limits.c.
local function limits(call_keys, call_args)
    local time, answers = redis.call('TIME'), {}
    local now = time[1] * 1000000 + time[2]
    for i = 0, #call_keys / 3 - 1 do
        local set, line, rate = call_keys[3 * i + 1], call_keys[3 * i + 2], call_keys[3 * i + 3]
        local kind, at = call_args[8 * i + 1], 8 * i
        local op = {limit = tonumber(call_args[at + 2]), holder = call_args[at + 3], epoch = tonumber(call_args[at + 4]),
            waiter = call_args[at + 5], interval = tonumber(call_args[at + 6]), lease = tonumber(call_args[at + 7]),
            patience = tonumber(call_args[at + 8])}
        answers[i + 1] = 0
        if kind == 't' then
            answers[i + 1] = limit_take(set, line, rate, op, now)
        elseif kind == 'n' then
            limit_hold(set, op, now)
        else
            redis.call('ZREM', set, op.holder .. ' ' .. us_text(op.epoch))
        end
    end
    return answers
end
