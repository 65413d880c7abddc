---- pipelines: a part of marathon.lua, which embed.cmake inserts there ----

-- Stores a definition as the next version, unless the newest version has its hash. Returns {newest version, what was done}.
local function publish(call_keys, call_args)
    local index, changed = call_keys[1], call_keys[2]
    local name, hash, source, prefix, versions = call_args[1], call_args[2], call_args[3], call_args[4], call_args[5]
    local at, by, names_max, versions_max = call_args[6], call_args[7], tonumber(call_args[8]), tonumber(call_args[9])
    local unless_known = call_args[10] == '1'
    local version = 0
    local newest = redis.call('HGET', index, name)
    if newest then
        local space = newest:find(' ', 1, true)
        version = tonumber(newest:sub(1, space - 1))
        if newest:sub(space + 1) == hash then
            return {version, 'same'}
        end
        for _, entry in ipairs(unless_known and redis.call('LRANGE', versions .. name, 0, -1) or {}) do
            if entry:sub(1, #hash) == hash then
                return {version, 'known'}
            end
        end
    elseif redis.call('HLEN', index) >= names_max then
        return {0, 'names'}
    end
    if version >= versions_max then
        return {version, 'versions'}
    end
    version = version + 1
    local last = redis.call('ZRANGE', changed, -1, -1, 'WITHSCORES')
    redis.call('SET', prefix .. name .. ':' .. version, source)
    redis.call('RPUSH', versions .. name, hash .. ' ' .. at .. ' ' .. by)
    redis.call('HSET', index, name, version .. ' ' .. hash)
    redis.call('ZADD', changed, (tonumber(last[2]) or 0) + 1, name)
    return {version, 'created'}
end

-- Returns {number, source} of one version, or {} if there is none. Version 0 is the newest.
local function read_pipeline(call_keys, call_args)
    local name, version, prefix = call_args[1], call_args[2], call_args[3]
    if version == '0' then
        local newest = redis.call('HGET', call_keys[1], name)
        version = newest and newest:match('^%d+') or '0'
    end
    local source = redis.call('GET', prefix .. name .. ':' .. version)
    return source and {tonumber(version), source} or {}
end

-- The versions before one (0: all), newest first, at most limit: returns {the newest of them, entry, entry, ...}.
local function read_versions(call_keys, call_args)
    local before, limit = tonumber(call_args[1]), tonumber(call_args[2])
    local count = redis.call('LLEN', call_keys[1])
    local newest = before > 0 and math.min(before - 1, count) or count
    local page = {newest}
    if newest > 0 then
        local entries = redis.call('LRANGE', call_keys[1], math.max(newest - limit, 0), newest - 1)
        for i = #entries, 1, -1 do
            page[#page + 1] = entries[i]
        end
    end
    return count > 0 and page or {}
end
