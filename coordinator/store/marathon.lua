#!lua name=@LIBRARY@
-- The store's atomic writes. One call carries many rows; each row is checked in full before its first write, because a
-- script that fails half-way is not rolled back. README.md in this folder lists the keys; redis_rows.c encodes the rows.
-- @LIBRARY@ stands for a name with the version and the hash of this text, so that two versions can live side by side.

-- enum store_verdict, by number
local OK, FENCED, VERSION, EXISTS, REPLAY, MISMATCH, GONE = 0, 1, 2, 3, 4, 5, 7

local FIELDS_PER_HSET = 2000      -- unpack cannot return more than about 8,000 values
local SWEPT_PER_RENEWAL = 256     -- expired tasks taken out of the list at once: keeps a call short
local COMPACT_BYTES_MAX = 1048576 -- beyond it a string's spare room is small against its length: not worth a copy
local LIST_EXAMINED_MAX = 4096    -- entries of a list that one page may look at
local EVENTS_KEPT = 10000         -- EVENTS_KEPT_MAX of model/limits.h

-- The call's rows: keys and arguments one behind the other, each row takes its own from the front.
local keys, args, key_at, arg_at
local fences -- owner key -> the fence in force, read once per call

local function key()
    key_at = key_at + 1
    return keys[key_at]
end

local function arg()
    arg_at = arg_at + 1
    return args[arg_at]
end

-- "epoch:nonce", or false where nobody may write.
local function fence_in_force(owner)
    local fence = fences[owner]
    if fence == nil then
        local r = redis.call('HMGET', owner, 'epoch', 'nonce', 'owner')
        fence = r[1] and r[3] ~= '' and r[1] .. ':' .. r[2]
        fences[owner] = fence
    end
    return fence
end

local function now_ms()
    local t = redis.call('TIME')
    return t[1] * 1000 + math.floor(t[2] / 1000)
end

---- partitions ----

local function claim()
    local owner = key()
    local seen, epoch, nonce, name = arg(), arg(), arg(), arg()
    local r = redis.call('HMGET', owner, 'epoch', 'nonce')
    local stored = r[1] and r[1] .. ':' .. r[2] or ''
    if stored ~= seen then
        return FENCED
    end
    redis.call('HSET', owner, 'epoch', epoch, 'nonce', nonce, 'owner', name)
    redis.call('HDEL', owner, 'wish')
    redis.call('HINCRBY', owner, 'hb', 1)
    fences[owner] = name ~= '' and epoch .. ':' .. nonce
    return OK
end

-- Tasks whose keys have expired leave the list here, a bite at a time.
local function sweep(ended, list, dead)
    local ids = redis.call('ZRANGE', ended, '-inf', '(' .. string.format('%.0f', now_ms()), 'BYSCORE',
        'LIMIT', 0, SWEPT_PER_RENEWAL)
    if #ids > 0 then
        redis.call('ZREM', list, unpack(ids))
        redis.call('ZREM', dead, unpack(ids))
        redis.call('ZREM', ended, unpack(ids))
    end
end

local function renew()
    local owner, ended, list, dead = key(), key(), key(), key()
    if fence_in_force(owner) ~= arg() then
        return FENCED
    end
    redis.call('HINCRBY', owner, 'hb', 1)
    sweep(ended, list, dead)
    return OK
end

local function release()
    local owner = key()
    if fence_in_force(owner) ~= arg() then
        return FENCED
    end
    redis.call('HSET', owner, 'owner', '')
    redis.call('HINCRBY', owner, 'hb', 1)
    fences[owner] = false
    return OK
end

-- The wish outlives the release that it leads to, and ends with the next claim.
local function wish()
    local owner = key()
    local seen, nonce = arg(), arg()
    if fence_in_force(owner) ~= seen then
        return FENCED
    end
    redis.call('HSET', owner, 'wish', nonce)
    return OK
end

---- tasks ----

-- The change that the row in hand makes. One table for all rows: a new one for each is a tenth of a row's time.
local change, change_fields = {}, {}

-- Takes what every change has from the call. Most changes have no more: each string more costs Redis a quarter of a
-- microsecond.
local function take_change()
    local c = change
    c.owner, c.task, c.events, c.doc = key(), key(), key(), key()
    c.fence, c.head = arg(), arg()
    c.doc_mode, c.doc_offset, c.doc_text = arg(), tonumber(arg()), arg() -- mode: '' unchanged, 'w' whole, 'p' patch
    c.error_mode = ''
    c.items_count, c.doc_items = 0, ''
    c.step_count = tonumber(arg())
    c.steps_at = arg_at
    arg_at = arg_at + 2 * c.step_count
    c.event_count = tonumber(arg())
    c.events_at = arg_at
    arg_at = arg_at + 2 * c.event_count
    return c
end

-- items.lua comes here

-- Takes what the beginning, the end, a failure and the items of a task have besides.
local function take_life(c)
    c.error, c.live, c.ended, c.dead = key(), key(), key(), key()
    c.id = arg()
    c.error_mode, c.error_text = arg(), arg() -- mode: '' unchanged, 's' set, 'd' delete
    take_items(c)
end

-- Do the events follow the last one stored, in order? XADD would fail half-way otherwise.
local function events_follow(c, last)
    last = tonumber(last or 0)
    for i = c.events_at + 1, c.events_at + 2 * c.event_count, 2 do
        local seq = tonumber(args[i])
        if seq <= last then
            return false
        end
        last = seq
    end
    return true
end

-- The caller has put n values (names and values of its own fields) into change_fields.
local function put_record(c, n)
    local fields = change_fields
    fields[n + 1], fields[n + 2] = 'head', c.head
    n = n + 2
    if c.event_count > 0 then
        fields[n + 1], fields[n + 2] = 'seq', args[c.events_at + 2 * c.event_count - 1]
        n = n + 2
    end
    for i = 1, 2 * c.step_count do
        fields[n + i] = args[c.steps_at + i]
    end
    n = n + 2 * c.step_count
    for i = 1, n, FIELDS_PER_HSET do
        redis.call('HSET', c.task, unpack(fields, i, math.min(i + FIELDS_PER_HSET - 1, n)))
    end
end

-- A row's events are one entry, named by the last one's seq: a command costs more than an event.
local function put_events(c)
    local at, last = c.events_at + 1, c.events_at + 2 * c.event_count
    for from = at, last, FIELDS_PER_HSET do
        local to = math.min(from + FIELDS_PER_HSET - 1, last)
        local seq = args[to - 1]
        local oldest = tonumber(seq) - EVENTS_KEPT
        if oldest > 0 then
            redis.call('XADD', c.events, 'MINID', '~', string.format('%.0f-0', oldest), seq .. '-0', unpack(args, from, to))
        else
            redis.call('XADD', c.events, seq .. '-0', unpack(args, from, to))
        end
    end
end

local function put_doc(c)
    if c.doc_mode == 'w' then
        redis.call('SET', c.doc, c.doc_text)
    elseif c.doc_mode == 'p' then
        redis.call('SETRANGE', c.doc, c.doc_offset, c.doc_text)
    end
end

local function put_error(c)
    if c.error_mode == 's' then
        redis.call('SET', c.error, c.error_text)
    elseif c.error_mode == 'd' then
        redis.call('DEL', c.error)
    end
end

-- The last version of the document, in a string without spare room and without the spaces that padded its tail.
local function put_last_doc(c, expires)
    local text = c.doc_mode == 'w' and c.doc_text
    if not text then
        if redis.call('STRLEN', c.doc) > COMPACT_BYTES_MAX then
            put_doc(c)
            redis.call('PEXPIREAT', c.doc, expires)
            return
        end
        text = redis.call('GET', c.doc) or ''
        if c.doc_mode == 'p' then
            text = text:sub(1, c.doc_offset) .. c.doc_text .. text:sub(c.doc_offset + #c.doc_text + 1)
        end
    end
    local n = #text
    while text:byte(n) == 32 do
        n = n - 1
    end
    if n > 0 then
        redis.call('SET', c.doc, text:sub(1, n), 'PXAT', expires)
    end
end

local function end_life(c, ttl_s, idem_prefix)
    local expires = string.format('%.0f', now_ms() + ttl_s * 1000)
    put_last_doc(c, expires)
    redis.call('PEXPIREAT', c.task, expires)
    redis.call('PEXPIREAT', c.events, expires)
    redis.call('PEXPIREAT', c.error, expires)
    redis.call('PEXPIREAT', c.items, expires)
    redis.call('SREM', c.live, c.id)
    redis.call('ZADD', c.ended, expires, c.id)
    local idem = redis.call('HMGET', c.task, 'idem', 'ittl')
    if idem[1] then
        redis.call('EXPIRE', idem_prefix .. idem[1], idem[2])
    end
end

local function revive(c, idem_prefix)
    redis.call('HDEL', c.task, 'end', 'dead')
    redis.call('PERSIST', c.task)
    redis.call('PERSIST', c.events)
    redis.call('PERSIST', c.doc)
    redis.call('PERSIST', c.error)
    redis.call('PERSIST', c.items)
    redis.call('SADD', c.live, c.id)
    redis.call('ZREM', c.ended, c.id)
    redis.call('ZREM', c.dead, c.id)
    local idem = redis.call('HGET', c.task, 'idem')
    if idem then
        redis.call('PERSIST', idem_prefix .. idem)
    end
end

-- A change of a task that has ended and stays so: what was written must expire with the rest.
local function keep_ended(c)
    local left = redis.call('PTTL', c.task)
    if left > 0 then
        redis.call('PEXPIRE', c.events, left)
        redis.call('PEXPIRE', c.doc, left)
        if c.error_mode == 's' then
            redis.call('PEXPIRE', c.error, left)
        end
        if c.items_count > 0 then
            redis.call('PEXPIRE', c.items, left)
        end
    end
end

-- life: 'k' it goes on as it is, 'e' it ends, 'd' it ends by a dead letter, 'r' it is revived. ttl_s and idem_prefix: for the
-- last three.
local function apply_update(c, life, ttl_s, idem_prefix)
    local dead_at, dead
    if life == 'd' then
        dead_at, dead = arg(), arg()
    end
    local version, next_version = arg(), arg()
    if fence_in_force(c.owner) ~= c.fence then
        return FENCED
    end
    local r = redis.call('HMGET', c.task, 'v', 'seq', 'end')
    if not r[1] then
        return life == 'r' and GONE or VERSION
    end
    if r[1] ~= version then
        -- the same row again, after an outcome that its sender never heard
        if r[1] == next_version and redis.call('HGET', c.task, 'head') == c.head then
            return OK
        end
        return VERSION
    end
    if not events_follow(c, r[2]) then
        return VERSION
    end
    if c.doc_mode == 'p' and redis.call('STRLEN', c.doc) < c.doc_offset then
        return VERSION
    end
    if c.doc_items ~= '' then
        local text = with_items(c)
        if not text then
            return VERSION
        end
        c.doc_text = text
    end
    put_items(c)
    put_events(c)
    put_error(c)
    local fields = change_fields
    fields[1], fields[2], fields[3], fields[4] = 'v', next_version, 'end', '1'
    if life == 'e' then
        put_record(c, 4)
        end_life(c, ttl_s, idem_prefix)
        return OK
    elseif life == 'd' then
        fields[5], fields[6] = 'dead', dead
        put_record(c, 6)
        end_life(c, ttl_s, idem_prefix)
        redis.call('ZADD', c.dead, dead_at, c.id)
        return OK
    end
    put_doc(c)
    put_record(c, 2)
    if life == 'r' then
        revive(c, idem_prefix)
    elseif r[3] then
        keep_ended(c)
    end
    return OK
end

local function update()
    return apply_update(take_change(), 'k')
end

local function update_life()
    local c = take_change()
    take_life(c)
    local life, ttl_s, idem_prefix = arg(), tonumber(arg()), arg()
    return apply_update(c, life, ttl_s, idem_prefix)
end

local function admit()
    local c = take_change()
    take_life(c)
    local list = key()
    local spec, input, created, idem_hex, body_hash, idem_ttl_s = arg(), arg(), arg(), arg(), arg(), arg()
    local idem = idem_hex ~= '' and key()
    if fence_in_force(c.owner) ~= c.fence then
        return FENCED
    end
    local seen = idem and redis.call('GET', idem)
    if seen then
        local space = seen:find(' ', 1, true)
        if seen:sub(1, space - 1) == body_hash then
            return {REPLAY, seen:sub(space + 1)}
        end
        return MISMATCH
    end
    local old = redis.call('HMGET', c.task, 'run', 'end')
    if old[1] and not old[2] then
        return EXISTS
    end
    if not events_follow(c, 0) then
        return VERSION
    end
    redis.call('DEL', c.task, c.events, c.doc, c.error, c.items)
    local run = tonumber(old[1] or 0) + 1
    local fields, n = change_fields, 10
    fields[1], fields[2], fields[3], fields[4] = 'v', '1', 'run', tostring(run)
    fields[5], fields[6], fields[7], fields[8] = 'spec', spec, 'input', input
    fields[9], fields[10] = 'created', created
    if idem then
        fields[11], fields[12], fields[13], fields[14] = 'idem', idem_hex, 'ittl', idem_ttl_s
        n = 14
        redis.call('SET', idem, body_hash .. ' ' .. c.id)
    end
    if c.doc_mode ~= '' then
        redis.call('SET', c.doc, c.doc_text)
    end
    put_events(c)
    put_error(c)
    put_record(c, n)
    put_items(c)
    redis.call('SADD', c.live, c.id)
    redis.call('ZREM', c.ended, c.id)
    if old[1] then
        redis.call('ZREM', c.dead, c.id)
    end
    redis.call('ZADD', list, created, c.id)
    return {OK, run}
end

-- A name in the live index without a live task behind it.
local function unlist()
    local owner, live, task, fence, id = key(), key(), key(), arg(), arg()
    if fence_in_force(owner) ~= fence then
        return FENCED
    end
    if redis.call('HEXISTS', task, 'v') == 0 or redis.call('HEXISTS', task, 'end') == 1 then
        redis.call('SREM', live, id)
    end
    return OK
end

local kinds = {x = unlist, c = claim, n = renew, r = release, w = wish, a = admit, u = update, l = update_life}

local function apply_rows(call_keys, call_args)
    keys, args, key_at, arg_at, fences = call_keys, call_args, 0, 0, {}
    local answers, count = {}, 0
    while arg_at < #args do
        count = count + 1
        answers[count] = kinds[arg()]()
    end
    keys, args, fences, change, change_fields = nil, nil, nil, {}, {} -- nothing is kept between calls
    return answers
end

-- reads.lua comes here

-- pipelines.lua comes here

-- At maxmemory admissions are refused as a whole, before they begin; what is under way may still be finished.
redis.register_function{function_name = '@LIBRARY@_admit', callback = apply_rows}
redis.register_function{function_name = '@LIBRARY@_change', callback = apply_rows, flags = {'allow-oom'}}
redis.register_function{function_name = '@LIBRARY@_record', callback = read_record, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_items', callback = read_items, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_list', callback = read_list, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_audit', callback = read_audit, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_publish', callback = publish}
redis.register_function{function_name = '@LIBRARY@_pipeline', callback = read_pipeline, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_versions', callback = read_versions, flags = {'no-writes'}}
