#!lua name=@LIBRARY@
-- The store's atomic writes. A call carries many rows; each row is checked completely before its first write, because a script
-- that fails half-way is not rolled back. README.md in this folder lists the keys; redis_rows.c encodes the rows. @LIBRARY@ is
-- replaced by a name with the version and the hash of this text, so that two versions can be loaded side by side.

local CLUSTER = 123 -- '{' as the first byte of a plan: key names have hash tags

-- enum store_verdict, by number
local OK, FENCED, VERSION, EXISTS, REPLAY, MISMATCH, GONE = 0, 1, 2, 3, 4, 5, 7

local FIELDS_PER_HSET = 2000      -- unpack cannot return more than about 8,000 values
-- names of a list that a renewal checks at a time, and how many times: keeps the call short
local SWEPT_BITE, SWEPT_BITES = 64, 4
-- above this a string's spare room is small compared to its length: not worth a copy
local COMPACT_BYTES_MAX = 1048576
local LIST_EXAMINED_MAX = 4096    -- entries of a list examined for one page
local EVENTS_KEPT = 10000         -- EVENTS_KEPT_MAX of model/limits.h

-- The call. The first argument is the plan: whether this is a cluster, the number of owners, and of fences; for each owner its
-- partition and the number of its fence; then for each row its kind, the number of its owner and, if it is a change, its shape.
-- Then come the fences, then the rows' arguments; each row takes its keys and arguments from the front. Bytes of the plan are
-- almost free; an argument costs a thousand instructions and eleven per byte.
local keys, args, key_at, arg_at, plan, plan_at
local owner          -- number of the row's owner
local owners, fences -- by that number: the partition's fence key, and the fence that it should contain
local stands         -- by that number: does it? Read once per call
local now            -- time of this call
local expiries     -- TTL -> the time at which it ends, in this call
local call, sub, byte -- redis.call, string.sub and string.byte: saves two look-ups per use

-- Fence key of a partition -> its other keys, and where its sweep goes on. The only thing kept between calls: at most 64 entries.
local places = {}

-- Partition -> its fence key.
local fence_keys, fence_keys_of_cluster = {}, {}
for partition = 0, 63 do
    local name = (partition < 10 and 'p0' or 'p') .. partition
    fence_keys[partition] = 'marathon:fence:' .. name
    fence_keys_of_cluster[partition] = 'marathon:fence:{' .. name .. '}'
end

local function key()
    key_at = key_at + 1
    return keys[key_at]
end

local function arg()
    arg_at = arg_at + 1
    return args[arg_at]
end

-- The other keys of the row's partition, named as in redis_names.c.
local function place()
    local key_of_fence = owners[owner]
    local p = places[key_of_fence]
    if not p then
        local name = sub(key_of_fence, #'marathon:fence:' + 1)
        local tag = sub(name, 1, 1) == '{' and name .. ':' or ''
        p = {live = 'marathon:live:' .. name, list = 'marathon:list:' .. name, dead = 'marathon:dead:' .. name,
            idem = 'marathon:idem:' .. name .. ':', task = 'marathon:task:' .. tag, error = 'error:' .. tag,
            items = 'marathon:items:' .. tag, ended = 'marathon:ended:' .. name}
        places[key_of_fence] = p
    end
    return p
end

-- Reads the head of the call. A partition that was handed over has no fence key, so that nobody can write to it.
local function take_owners()
    local form, owner_count, fence_count = byte(plan, 1, 3)
    local head, args, names = {byte(plan, 4, 3 + 2 * owner_count)}, args, form == CLUSTER and fence_keys_of_cluster or fence_keys
    for i = 1, owner_count do
        owners[i], fences[i] = names[head[2 * i - 1]], args[1 + head[2 * i]]
    end
    stands = call('MGET', unpack(owners))
    for i = 1, owner_count do
        stands[i] = stands[i] == fences[i]
    end
    plan_at, key_at, arg_at = 3 + 2 * owner_count, 0, 1 + fence_count
end

local function now_ms()
    if not now then
        local t = redis.call('TIME')
        now = t[1] * 1000 + math.floor(t[2] / 1000)
    end
    return now
end

-- The time at which a TTL that begins now ends, as text. Cached, since most rows of a call have the same few TTLs.
local function expiry(ttl_s)
    local text = expiries[ttl_s]
    if not text then
        text = string.format('%.0f', now_ms() + ttl_s * 1000)
        expiries[ttl_s] = text
    end
    return text
end

-- partitions.lua comes here

---- tasks ----

-- The most frequent row: one step has changed, with events and a patch of the document. Most of Redis' work for us is here: so no
-- table, no loop, and as few strings as possible. Each costs a fraction of a microsecond, and Lua hashes every byte of a string.
local function step()
    local args, at, key_before = args, arg_at, key_at
    local task, doc, expected = keys[key_before + 1], keys[key_before + 2], args[at + 1]
    key_at, arg_at = key_before + 2, at + 8
    if not stands[owner] then
        return FENCED
    end
    local stored, next = call('HGET', task, 'v'), args[at + 2]
    if not stored or sub(stored, 1, #expected) ~= expected then
        return stored == next and OK or VERSION -- the same row again, see update
    end
    call('SETRANGE', doc, args[at + 3], args[at + 4])
    call('HSET', task, 'v', next, args[at + 5], args[at + 6], args[at + 7], args[at + 8])
    return OK
end

-- The shape of a change, one byte each.
local NO = 45                              -- '-'
-- 'w' the whole document, 'p' a patch; else ('e') a patch up to the document's end that leaves no white space there
local DOC_WHOLE, DOC_PART = 119, 112
local ERROR_SET = 115                      -- 's' sets the error document; else ('d') deletes it
-- 'e' the task ends, 'd' it ends by a dead letter, 'r' it is revived; else its life is unchanged
local ENDS, DIES, REVIVES = 101, 100, 114
-- of an admission: 'i' with an idempotency key that outlives the task; 'b' with one that is kept for a time from now on
local ONCE, BRIEFLY = 105, 98

-- The change of the current row. One table for all rows: creating one per row would take a tenth of the row's time.
local change = {}

local function error_key(c)
    return 'error:' .. sub(c.doc, #'checkpoint:' + 1)
end

local function items_key(c)
    return 'marathon:items:' .. sub(c.doc, #'checkpoint:' + 1)
end

-- items.lua comes here

-- usage.lua comes here

-- Takes the parts of a change from the call: those that all changes have, and those named by its shape. Does not use key() and
-- arg(): a function call costs as much as five look-ups, and each Lua operation some fifty instructions.
local function take_change()
    local c, keys, args, at = change, keys, args, arg_at
    local doc_mode, trims, error_mode, has_items, life, id_bytes, high, middle, low = byte(plan, plan_at + 1, plan_at + 9)
    plan_at = plan_at + 9
    local doc = keys[key_at + 2]
    c.task, c.doc, c.id = keys[key_at + 1], doc, sub(doc, -id_bytes)
    key_at = key_at + 2
    c.doc_mode, c.trims, c.error_mode, c.life = doc_mode, trims, error_mode, life
    c.expected, c.next = args[at + 1], args[at + 2] -- values of field v; next is '' if the row does not fit what it expects
    at = at + 2
    if doc_mode ~= NO then
        c.doc_offset, c.doc_text = args[at + 1], args[at + 2]
        at = at + 2
    end
    if trims ~= NO then
        at = at + 1
        c.trim_to = args[at] -- the newest event to delete
    end
    if error_mode == ERROR_SET then
        at = at + 1
        c.error_text = args[at]
    end
    c.fields_from = at + 1 -- names and values of the record's fields
    arg_at = at + 2 * ((high * 256 + middle) * 256 + low)
    c.fields_to = arg_at
    c.items_count, c.doc_items = 0, ''
    if has_items ~= NO then
        take_items(c)
    end
    return c
end

-- Calls fn with the names letter<from> .. letter<to>, many at a time.
local function each_numbered(letter, from, to, fn)
    for first = from, to, FIELDS_PER_HSET do
        local names = {}
        for n = first, math.min(first + FIELDS_PER_HSET - 1, to) do
            names[#names + 1] = letter .. n
        end
        fn(names)
    end
end

-- Events are kept in the record: the field h<seq> holds those of one row, under the seq of its first. h0: the oldest seq still
-- kept.
local function trim_events(c)
    local to = tonumber(c.trim_to)
    local from = math.max(tonumber(redis.call('HGET', c.task, 'h0') or 1), to - EVENTS_KEPT)
    each_numbered('h', from, to, function(names)
        redis.call('HDEL', c.task, unpack(names))
    end)
    redis.call('HSET', c.task, 'h0', string.format('%.0f', to + 1))
end

-- Index of the last argument that the first HSET takes.
local function first_to(c)
    return math.min(c.fields_from + FIELDS_PER_HSET - 1, c.fields_to)
end

-- Writes the fields that the first HSET did not take, and trims events.
local function put_rest(c)
    for from = c.fields_from + FIELDS_PER_HSET, c.fields_to, FIELDS_PER_HSET do
        call('HSET', c.task, unpack(args, from, math.min(from + FIELDS_PER_HSET - 1, c.fields_to)))
    end
    if c.trims ~= NO then
        trim_events(c)
    end
end

local function put_doc(c)
    if c.doc_mode == DOC_WHOLE then
        call('SET', c.doc, c.doc_text)
    elseif c.doc_mode ~= NO then
        return call('SETRANGE', c.doc, c.doc_offset, c.doc_text)
    end
end

-- Writes the error document and the items. The field x says that there may be some, so that the end of most tasks need not look.
local function put_sides(c, known)
    if c.items_count > 0 then
        put_items(c)
    end
    if c.error_mode == ERROR_SET then
        call('SET', error_key(c), c.error_text)
    elseif c.error_mode ~= NO then
        call('DEL', error_key(c))
    end
    if not known and (c.items_count > 0 or c.error_mode == ERROR_SET) then
        call('HSET', c.task, 'x', '1')
        return true
    end
    return known
end

-- Writes the document's last version compactly: in a string without spare room, and without the spaces that padded its tail. If
-- there are none, a BITOP AND with itself makes such a string, and Lua does not see the text.
local function put_last_doc(c, expires)
    if c.doc_mode ~= DOC_WHOLE and c.doc_mode ~= DOC_PART and c.doc_mode ~= NO then
        if put_doc(c) <= COMPACT_BYTES_MAX then
            call('BITOP', 'AND', c.doc, c.doc)
        end
        call('PEXPIREAT', c.doc, expires)
        return
    end
    local text = c.doc_mode == DOC_WHOLE and c.doc_text
    if not text then
        if call('STRLEN', c.doc) > COMPACT_BYTES_MAX then
            put_doc(c)
            call('PEXPIREAT', c.doc, expires)
            return
        end
        text = call('GET', c.doc) or ''
        if c.doc_mode == DOC_PART then
            text = text:sub(1, c.doc_offset) .. c.doc_text .. text:sub(c.doc_offset + #c.doc_text + 1)
        end
    end
    local n = #text
    while text:byte(n) == 32 do
        n = n - 1
    end
    if n > 0 then
        call('SET', c.doc, text:sub(1, n), 'PXAT', expires)
    end
end

local function end_life(c, ttl_s, has_sides, idem, idem_ttl_s)
    local p, expires = place(), expiry(ttl_s)
    put_last_doc(c, expires)
    call('PEXPIREAT', c.task, expires)
    if has_sides then
        call('PEXPIREAT', error_key(c), expires)
        call('PEXPIREAT', items_key(c), expires)
    end
    call('SREM', p.live, c.id)
    if idem then
        call('PEXPIREAT', p.idem .. idem, expiry(idem_ttl_s))
    end
end

local function revive(c)
    local p = place()
    call('HDEL', c.task, 'end', 'dead')
    call('PERSIST', c.task)
    call('PERSIST', c.doc)
    call('PERSIST', error_key(c))
    call('PERSIST', items_key(c))
    call('SADD', p.live, c.id)
    call('ZREM', p.dead, c.id)
    local idem = call('HGET', c.task, 'idem')
    if idem then
        call('PERSIST', p.idem .. idem)
    end
end

-- A change of a task that has ended and stays so: what it has written must expire with the rest.
local function keep_ended(c)
    local left = call('PTTL', c.task)
    if left > 0 then
        call('PEXPIRE', c.doc, left)
        if c.error_mode == ERROR_SET then
            call('PEXPIRE', error_key(c), left)
        end
        if c.items_count > 0 then
            call('PEXPIRE', items_key(c), left)
        end
    end
end

local function update()
    local c = take_change()
    local ends, ttl_s, dead_at, dead = c.life == ENDS or c.life == DIES
    if ends then
        ttl_s = arg()
    end
    if c.life == DIES then
        dead_at, dead = arg(), arg()
    end
    if not stands[owner] then
        return FENCED
    end
    local r = ends and call('HMGET', c.task, 'v', 'x', 'idem', 'ittl') or call('HMGET', c.task, 'v', 'x', 'end')
    local stored, has_sides = r[1], r[2]
    if not stored then
        return c.life == REVIVES and GONE or VERSION
    end
    if stored == c.next then
        return OK -- the same row again, after an outcome that its sender did not receive
    end
    if sub(stored, 1, #c.expected) ~= c.expected or c.next == '' then
        return VERSION
    end
    if c.doc_items ~= '' then
        local text = with_items(c)
        if not text then
            return VERSION
        end
        c.doc_text = text
    end
    has_sides = put_sides(c, has_sides)
    if usage_key then
        put_usage()
    end
    if ends then
        call('HSET', c.task, 'end', '1', 'v', c.next, unpack(args, c.fields_from, first_to(c)))
        put_rest(c)
        end_life(c, ttl_s, has_sides, r[3], r[4])
        if dead then
            call('HSET', c.task, 'dead', dead)
            call('ZADD', place().dead, dead_at, c.id)
        end
        return OK
    end
    put_doc(c)
    call('HSET', c.task, 'v', c.next, unpack(args, c.fields_from, first_to(c)))
    put_rest(c)
    if c.life == REVIVES then
        revive(c)
    elseif r[3] then
        keep_ended(c)
    end
    return OK
end

local function update_usage()
    take_usage()
    local verdict = update()
    usage_key = nil
    return verdict
end

local function admit()
    local c = take_change()
    local spec, input, created = args[arg_at + 1], args[arg_at + 2], args[arg_at + 3]
    arg_at = arg_at + 3
    local p = place()
    -- the idempotency key, its TTL, and its value: the body's hash, a space, the task's id
    local idem, once_ms, once_text
    if c.life == ONCE then
        idem, once_text = p.idem .. args[c.fields_to - 2], arg() -- the last two fields are idem and ittl
    elseif c.life == BRIEFLY then
        idem, once_ms, once_text = p.idem .. arg(), arg(), arg()
    end
    if not stands[owner] then
        return FENCED
    end
    local old = call('HMGET', c.task, 'run', 'end')
    local refused, seen = old[1] and not old[2] and EXISTS or c.next == '' and VERSION, nil
    if idem and refused then
        seen = call('GET', idem)
    elseif once_ms then
        seen = call('SET', idem, once_text, 'NX', 'GET', 'PX', once_ms) -- this is the row's first write, if the key is new
    elseif idem then
        seen = call('SET', idem, once_text, 'NX', 'GET')
    end
    if seen then
        local space = seen:find(' ', 1, true)
        if sub(seen, 1, space) == sub(once_text, 1, space) then
            return {REPLAY, sub(seen, space + 1)}
        end
        return MISMATCH
    end
    if refused then
        return refused
    end
    local run = 1
    if old[1] then
        run = tonumber(old[1]) + 1
        call('DEL', c.task, c.doc)
        call('ZREM', p.dead, c.id)
    end
    if call('ZADD', p.list, created, c.id) == 0 or old[1] then
        -- what an earlier task of this id, or an operator who deleted one, has left behind; see forget
        call('DEL', error_key(c), items_key(c))
    end
    if c.doc_mode ~= NO then
        call('SET', c.doc, c.doc_text)
    end
    call('HSET', c.task, 'v', c.next, 'run', run, 'spec', spec, 'input', input, 'created', created,
        unpack(args, c.fields_from, first_to(c)))
    put_rest(c)
    put_sides(c, false)
    call('SADD', p.live, c.id)
    return {OK, run}
end

-- Removes a name from the live index that has no live task.
local function unlist()
    local live, task, id = key(), key(), arg()
    if not stands[owner] then
        return FENCED
    end
    if redis.call('HEXISTS', task, 'v') == 0 or redis.call('HEXISTS', task, 'end') == 1 then
        redis.call('SREM', live, id)
    end
    return OK
end

-- By the numbers in redis_change.h.
local kinds = {claim, renew, release, wish, admit, step, update, unlist, update_usage}

local function apply_rows(call_keys, call_args)
    keys, args, owners, fences = call_keys, call_args, {}, {}
    call, sub, byte = redis.call, string.sub, string.byte
    now, expiries, usage_key = nil, {}, nil -- a previous call may have failed half-way and left these set
    plan = args[1]
    take_owners()
    local answers, kind = {}, nil
    while plan_at < #plan do
        kind, owner = byte(plan, plan_at + 1, plan_at + 2)
        plan_at = plan_at + 2
        answers[#answers + 1] = kinds[kind]()
    end
    keys, args, owners, fences, stands, change = nil, nil, nil, nil, nil, {}
    return answers
end

-- reads.lua comes here

-- limits.lua comes here

-- pipelines.lua comes here

-- At maxmemory admissions are refused as a whole, before they begin; running tasks can still be finished.
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
