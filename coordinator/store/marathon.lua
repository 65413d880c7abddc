#!lua name=@LIBRARY@
-- The store's atomic writes. One call carries many rows; each row is checked in full before its first write, because a
-- script that fails half-way is not rolled back. README.md in this folder lists the keys; redis_rows.c encodes the rows.
-- @LIBRARY@ stands for a name with the version and the hash of this text, so that two versions can live side by side.

-- enum store_verdict, by number
local OK, FENCED, VERSION, EXISTS, REPLAY, MISMATCH, GONE = 0, 1, 2, 3, 4, 5, 7

local FIELDS_PER_HSET = 2000      -- unpack cannot return more than about 8,000 values
local SWEPT_PER_RENEWAL = 256     -- expired tasks taken out of the list at once: keeps a call short
local COPY_SUFFIX = ':copy'       -- of a key that nobody ever sees
local COMPACT_BYTES_MAX = 1048576 -- beyond it a string's spare room is small against its length: not worth a copy
local LIST_EXAMINED_MAX = 4096    -- entries of a list that one page may look at
local EVENTS_KEPT = 10000         -- EVENTS_KEPT_MAX of model/limits.h

-- The call. Its first argument is the plan: how many owners there are, then two bytes a row: its kind, which of the owners its
-- partition has. The owners' keys and their fences come before those of the rows, which each take their own from the front.
local keys, args, key_at, arg_at
local owner, fence -- the row's: the key of the partition's fence, and what should stand there
local fences       -- that key -> the fence in force, read once per call
local now          -- of this call
local call, sub    -- redis.call and string.sub, without two look-ups each time

local function key()
    key_at = key_at + 1
    return keys[key_at]
end

local function arg()
    arg_at = arg_at + 1
    return args[arg_at]
end

-- Nobody may write where the owner has handed over: there is no fence then.
local function fenced()
    return fences[owner] ~= fence
end

local function now_ms()
    if not now then
        local t = redis.call('TIME')
        now = t[1] * 1000 + math.floor(t[2] / 1000)
    end
    return now
end

---- partitions ----

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
    local record, ended, list, dead = key(), key(), key(), key()
    if fenced() then
        return FENCED
    end
    redis.call('HINCRBY', record, 'hb', 1)
    sweep(ended, list, dead)
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

---- tasks ----

-- The common row: one step has changed, with events, and the document is patched. It is most of what Redis does for us: no
-- table, no loop, as few strings as there can be. Each costs a microsecond's fraction, and Lua hashes each byte of each.
local function step()
    local task, doc, at = keys[key_at + 1], keys[key_at + 2], arg_at
    local expected = args[at + 1]
    key_at, arg_at = key_at + 2, at + 8
    if fenced() then
        return FENCED
    end
    local stored = call('HGET', task, 'v')
    if not stored or sub(stored, 1, #expected) ~= expected then
        return stored == args[at + 2] and OK or VERSION -- the same row again, see apply_update
    end
    call('SETRANGE', doc, args[at + 3], args[at + 4])
    call('HSET', task, 'v', args[at + 2], args[at + 5], args[at + 6], args[at + 7], args[at + 8])
    return OK
end

-- The change that the row in hand makes. One table for all rows: a new one for each is a tenth of a row's time.
local change, change_fields = {}, {}

-- Takes what every other change has from the call.
local function take_change()
    local c = change
    c.task, c.doc = key(), key()
    c.expected, c.next = arg(), arg() -- of the field v; next: '' in a row that does not fit what it expects
    c.doc_mode, c.doc_offset, c.doc_text = arg(), arg(), arg() -- mode: '' unchanged, 'w' whole, 'p' patch,
    -- 'e' patch to the document's end that leaves no white space behind it
    c.error_mode = ''
    c.items_count, c.doc_items = 0, ''
    c.trim_to = arg() -- the newest event that goes, '' = none does
    c.fields_count = 2 * tonumber(arg())
    c.fields_at = arg_at
    arg_at = arg_at + c.fields_count
    return c
end

-- items.lua comes here

-- usage.lua comes here

-- Takes what the beginning, the end, a failure and the items of a task have besides.
local function take_life(c)
    c.error, c.live, c.ended, c.dead = key(), key(), key(), key()
    c.id = arg()
    c.error_mode, c.error_text = arg(), arg() -- mode: '' unchanged, 's' set, 'd' delete
    take_items(c)
end

-- Fields of the record are deleted, or read into a list, by their number: letter .. from to letter .. to, many at once.
local function each_numbered(letter, from, to, fn)
    for first = from, to, FIELDS_PER_HSET do
        local names = {}
        for n = first, math.min(first + FIELDS_PER_HSET - 1, to) do
            names[#names + 1] = letter .. n
        end
        fn(names)
    end
end

-- Events are kept in the record: h<seq> holds those of one row, named by its first. h0: the seq from which on they are kept.
local function trim_events(c)
    local to = tonumber(c.trim_to)
    local from = math.max(tonumber(redis.call('HGET', c.task, 'h0') or 1), to - EVENTS_KEPT)
    each_numbered('h', from, to, function(names)
        redis.call('HDEL', c.task, unpack(names))
    end)
    redis.call('HSET', c.task, 'h0', string.format('%.0f', to + 1))
end

-- The caller has put n values (names and values of its own fields) into change_fields.
local function put_record(c, n)
    local fields = change_fields
    fields[n + 1], fields[n + 2] = 'v', c.next
    n = n + 2
    for i = 1, c.fields_count do
        fields[n + i] = args[c.fields_at + i]
    end
    n = n + c.fields_count
    for i = 1, n, FIELDS_PER_HSET do
        redis.call('HSET', c.task, unpack(fields, i, math.min(i + FIELDS_PER_HSET - 1, n)))
    end
    if c.trim_to ~= '' then
        trim_events(c)
    end
end

local function put_doc(c)
    if c.doc_mode == 'w' then
        redis.call('SET', c.doc, c.doc_text)
    elseif c.doc_mode ~= '' then
        return redis.call('SETRANGE', c.doc, c.doc_offset, c.doc_text)
    end
end

local function put_error(c)
    if c.error_mode == 's' then
        redis.call('SET', c.error, c.error_text)
    elseif c.error_mode == 'd' then
        redis.call('DEL', c.error)
    end
end

-- The last version of the document, in a string without spare room and without the spaces that padded its tail. Where there are
-- none, a copy has no spare room, and Lua does not see the text.
local function put_last_doc(c, expires)
    if c.doc_mode == 'e' then
        if put_doc(c) <= COMPACT_BYTES_MAX then
            redis.call('COPY', c.doc, c.doc .. COPY_SUFFIX, 'REPLACE')
            redis.call('RENAME', c.doc .. COPY_SUFFIX, c.doc)
        end
        redis.call('PEXPIREAT', c.doc, expires)
        return
    end
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

local function end_life(c, ttl_s, idem, idem_ttl_s)
    local expires = string.format('%.0f', now_ms() + ttl_s * 1000)
    put_last_doc(c, expires)
    redis.call('PEXPIREAT', c.task, expires)
    if redis.call('EXISTS', c.error, c.items) > 0 then
        redis.call('PEXPIREAT', c.error, expires)
        redis.call('PEXPIREAT', c.items, expires)
    end
    redis.call('SREM', c.live, c.id)
    redis.call('ZADD', c.ended, expires, c.id)
    if idem then
        redis.call('EXPIRE', idem, idem_ttl_s)
    end
end

local function revive(c, idem_prefix)
    redis.call('HDEL', c.task, 'end', 'dead')
    redis.call('PERSIST', c.task)
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
    if fenced() then
        return FENCED
    end
    local r = redis.call('HMGET', c.task, 'v', 'end', 'idem', 'ittl')
    if not r[1] then
        return life == 'r' and GONE or VERSION
    end
    if r[1] == c.next then
        return OK -- the same row again, after an outcome that its sender never heard
    end
    if r[1]:sub(1, #c.expected) ~= c.expected or c.next == '' then
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
    put_error(c)
    if usage_key then
        put_usage()
    end
    local fields = change_fields
    fields[1], fields[2] = 'end', '1'
    if life == 'e' then
        put_record(c, 2)
        end_life(c, ttl_s, r[3] and idem_prefix .. r[3], r[4])
        return OK
    elseif life == 'd' then
        fields[3], fields[4] = 'dead', dead
        put_record(c, 4)
        end_life(c, ttl_s, r[3] and idem_prefix .. r[3], r[4])
        redis.call('ZADD', c.dead, dead_at, c.id)
        return OK
    end
    put_doc(c)
    put_record(c, 0)
    if life == 'r' then
        revive(c, idem_prefix)
    elseif r[2] then
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

local function update_usage()
    take_usage()
    local verdict = update_life()
    usage_key = nil
    return verdict
end

local function admit()
    local c = take_change()
    take_life(c)
    local list = key()
    local spec, input, created, idem_hex, body_hash, idem_ttl_s = arg(), arg(), arg(), arg(), arg(), arg()
    local idem = idem_hex ~= '' and key()
    if fenced() then
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
    if c.next == '' then
        return VERSION
    end
    redis.call('DEL', c.task, c.doc, c.error, c.items)
    local run = tonumber(old[1] or 0) + 1
    local fields, n = change_fields, 8
    fields[1], fields[2], fields[3], fields[4] = 'run', tostring(run), 'spec', spec
    fields[5], fields[6], fields[7], fields[8] = 'input', input, 'created', created
    if idem then
        fields[9], fields[10], fields[11], fields[12] = 'idem', idem_hex, 'ittl', idem_ttl_s
        n = 12
        redis.call('SET', idem, body_hash .. ' ' .. c.id)
    end
    if c.doc_mode ~= '' then
        redis.call('SET', c.doc, c.doc_text)
    end
    put_error(c)
    put_record(c, n)
    put_items(c)
    redis.call('SADD', c.live, c.id)
    if old[1] then
        redis.call('ZREM', c.ended, c.id)
        redis.call('ZREM', c.dead, c.id)
    end
    redis.call('ZADD', list, created, c.id)
    return {OK, run}
end

-- A name in the live index without a live task behind it.
local function unlist()
    local live, task, id = key(), key(), arg()
    if fenced() then
        return FENCED
    end
    if redis.call('HEXISTS', task, 'v') == 0 or redis.call('HEXISTS', task, 'end') == 1 then
        redis.call('SREM', live, id)
    end
    return OK
end

-- By their numbers in redis_rows.c.
local kinds = {claim, renew, release, wish, admit, step, update, update_life, unlist, update_usage}

local function apply_rows(call_keys, call_args)
    keys, args, fences = call_keys, call_args, {}
    call, sub, now = redis.call, string.sub, nil
    usage_key = nil -- a call that failed half-way has left it
    local plan, answers = args[1], {}
    key_at = plan:byte(1)
    arg_at = 1 + key_at
    for i, in_force in ipairs(call('MGET', unpack(keys, 1, key_at))) do
        fences[keys[i]] = in_force
    end
    for i = 1, (#plan - 1) / 2 do
        local kind, at = plan:byte(2 * i, 2 * i + 1)
        owner, fence = keys[at], args[1 + at]
        answers[i] = kinds[kind]()
    end
    keys, args, fences, change, change_fields = nil, nil, nil, {}, {} -- nothing is kept between calls
    return answers
end

-- reads.lua comes here

-- limits.lua comes here

-- pipelines.lua comes here

-- At maxmemory admissions are refused as a whole, before they begin; what is under way may still be finished.
redis.register_function{function_name = '@LIBRARY@_admit', callback = apply_rows}
redis.register_function{function_name = '@LIBRARY@_change', callback = apply_rows, flags = {'allow-oom'}}
redis.register_function{function_name = '@LIBRARY@_record', callback = read_record, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_events', callback = read_events, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_items', callback = read_items, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_list', callback = read_list, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_usage', callback = read_usage, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_audit', callback = read_audit, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_limits', callback = limits, flags = {'allow-oom'}}
redis.register_function{function_name = '@LIBRARY@_publish', callback = publish}
redis.register_function{function_name = '@LIBRARY@_pipeline', callback = read_pipeline, flags = {'no-writes'}}
redis.register_function{function_name = '@LIBRARY@_versions', callback = read_versions, flags = {'no-writes'}}
