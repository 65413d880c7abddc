---- reads: a part of marathon.lua, which embed.cmake inserts there ----

local EVENTS_AT_ONCE = 100 -- entries read per command
local HISTORY = 104        -- 'h': first byte of the fields with events

-- One task's fields and values, without its input and events; if the key of its items is given, also their marks and begun items.
local function read_record(call_keys)
    local task, items = call_keys[1], call_keys[2]
    local wanted, fans = {}, {}
    for _, name in ipairs(redis.call('HKEYS', task)) do
        if name:sub(1, 1) == 'f' then
            fans[#fans + 1] = name:sub(2)
        elseif name ~= 'input' and name:byte(1) ~= HISTORY then
            wanted[#wanted + 1] = name
        end
    end
    local fields = {}
    for from = 1, #wanted, FIELDS_PER_HSET do
        local to = math.min(from + FIELDS_PER_HSET - 1, #wanted)
        local values = redis.call('HMGET', task, unpack(wanted, from, to))
        for i = from, to do
            fields[#fields + 1] = wanted[i]
            fields[#fields + 1] = values[i - from + 1]
        end
    end
    for _, step in ipairs(items and fans or {}) do
        put_marks(fields, task, items, step)
    end
    return fields
end

-- The first n existing entries of events among h<from> .. h<to>, in order; and the numbers in their names.
local function entries_between(task, from, to, n)
    local found, names_found = {}, {}
    while from <= to and #found < n do
        local names, upto = {}, math.min(from + EVENTS_AT_ONCE - 1, to)
        for seq = from, upto do
            names[#names + 1] = 'h' .. seq
        end
        for i, entry in ipairs(redis.call('HMGET', task, unpack(names))) do
            if entry then
                found[#found + 1], names_found[#found + 1] = entry, from + i - 1
            end
        end
        from = upto + 1
    end
    return found, names_found
end

-- Events after a seq. Returns the seq at which the oldest kept entry begins (0 = none), then entries, beginning with the one that
-- contains the next event. redis_change.c and redis_reads.c know what an entry contains.
local function read_events(call_keys, call_args)
    local task, after, limit = call_keys[1], tonumber(call_args[1]), tonumber(call_args[2])
    local r = redis.call('HMGET', task, 'v', 'h0')
    if not r[1] then
        return {}
    end
    local last, kept = tonumber(r[1]:match('^%d+:(%d+):')), tonumber(r[2] or 1)
    local _, oldest = entries_between(task, kept, last, 1)
    local page = {oldest[1] or 0}
    local from = math.max(after + 1, kept)
    local first, found = from, nil
    -- a row has few events, so that their entry is among the first ones examined
    while from <= last and first >= kept and not found do
        local upto = first
        first = math.max(first - EVENTS_AT_ONCE, kept - 1)
        local _, begins = entries_between(task, first + 1, upto, EVENTS_AT_ONCE)
        found = begins[#begins]
    end
    local entries = entries_between(task, found or from, math.min(last, from + limit - 1), limit)
    if #entries == 0 then
        entries = entries_between(task, from + limit, last, 1)
    end
    for _, entry in ipairs(entries) do
        page[#page + 1] = entry
    end
    return page
end

-- Compares bytes: Lua's own < follows the locale, sorted sets do not.
local function bytes_before(a, b)
    for i = 1, math.min(#a, #b) do
        local x, y = a:byte(i), b:byte(i)
        if x ~= y then
            return x < y
        end
    end
    return #a < #b
end

-- A partition's newest tasks (or dead letters) before a place in the list, without expired ones: id, created, id, created, ...
local function read_list(call_keys, call_args)
    local list = call_keys[1]
    local before, before_id, limit, task_prefix = call_args[1], call_args[2], tonumber(call_args[3]), call_args[4]
    local page, from = {}, 0
    while from < LIST_EXAMINED_MAX do
        local entries = redis.call('ZRANGE', list, before, '-inf', 'BYSCORE', 'REV', 'LIMIT', from, 256, 'WITHSCORES')
        for i = 1, #entries, 2 do
            local id, created = entries[i], entries[i + 1]
            local past = before == '+inf' or tonumber(created) < tonumber(before) or bytes_before(id, before_id)
            if past and redis.call('EXISTS', task_prefix .. id) == 1 then
                page[#page + 1] = id
                page[#page + 1] = created
                if #page == 2 * limit then
                    return page
                end
            end
        end
        if #entries < 512 then
            break
        end
        from = from + 256
    end
    return page
end

-- How tasks are stored, and a page of the live index, at one moment; redis_audit.c reads this layout.
local function read_audit(call_keys, call_args)
    local live, fence = call_keys[2], redis.call('HMGET', call_keys[1], 'epoch', 'nonce')
    local page = redis.call('SSCAN', live, call_args[1], 'COUNT', call_args[2])
    local found = {fence[1] or '', fence[2] or '', page[1], page[2]}
    for i = 3, #call_args do
        local first = 3 + (i - 3) * 3
        local r, expires = redis.call('HMGET', call_keys[first], 'v', 'end'), 0
        for k = first, first + 2 do expires = redis.call('PTTL', call_keys[k]) >= 0 and 1 or expires end
        found[#found + 1] = {r[1] or '', r[2] and 1 or 0, expires, redis.call('SISMEMBER', live, call_args[i])}
    end
    return found
end
