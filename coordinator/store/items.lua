---- items of fan-out steps: a part of marathon.lua, which embed.cmake inserts there ----

-- Fields of marathon:items:<id>: <step>v<item> the value, <step>b<item> the blob, <step>r<item> the result. The number of a
-- step's items is the field f<step> of the task's record.

local ITEM_DONE = 100                -- 'd': first byte of the blob
local ITEM_BEGUN = 98                -- 'b'
local ITEMS_PAGE_BYTES_MAX = 1048576 -- of model/limits.h

-- Takes the item changes from the call: for each its kind, step, n, and n arguments; then the step whose results go into the
-- document ('' = none), how many bytes of the document's text come before them, and the length of their array.
local function take_items(c)
    c.items, c.items_count = items_key(c), tonumber(arg())
    c.items_at = arg_at
    for _ = 1, c.items_count do
        arg_at = arg_at + 3 + tonumber(args[arg_at + 3])
    end
    c.doc_items = arg()
    if c.doc_items ~= '' then
        c.doc_lead, c.doc_items_bytes = tonumber(arg()), tonumber(arg())
    end
end

-- Calls fn(names, from) with the names of one kind of fields of a step's items, as many at a time as unpack can return.
local function items_fields(step, kind, count, fn)
    for from = 1, count, FIELDS_PER_HSET do
        local names = {}
        for item = from, math.min(from + FIELDS_PER_HSET - 1, count) do
            names[#names + 1] = step .. kind .. item
        end
        fn(names, from)
    end
end

local function items_of(task, step)
    return tonumber(redis.call('HGET', task, 'f' .. step) or 0)
end

-- The document's text with the array of the items' results inserted: the stored ones, replaced by those in this row. False if the
-- array does not have the expected length.
local function with_items(c)
    local results = {}
    items_fields(c.doc_items, 'r', items_of(c.task, c.doc_items), function(names, from)
        for i, result in ipairs(redis.call('HMGET', c.items, unpack(names))) do
            results[from + i - 1] = result or 'null'
        end
    end)
    local at = c.items_at
    for _ = 1, c.items_count do
        if args[at + 1] == 'p' and args[at + 2] == c.doc_items and args[at + 6] ~= '' then
            results[tonumber(args[at + 4])] = args[at + 6]
        end
        at = at + 3 + tonumber(args[at + 3])
    end
    local array = '[' .. table.concat(results, ',') .. ']'
    if #array ~= c.doc_items_bytes then
        return false
    end
    return c.doc_text:sub(1, c.doc_lead) .. array .. c.doc_text:sub(c.doc_lead + 1)
end

local items_change = {}

function items_change.d(c, step)
    local count = items_of(c.task, step)
    for _, kind in ipairs({'v', 'b', 'r'}) do
        items_fields(step, kind, count, function(names)
            redis.call('HDEL', c.items, unpack(names))
        end)
    end
    redis.call('HDEL', c.task, 'f' .. step)
end

function items_change.m(c, step, at, count)
    items_change.d(c, step)
    items_fields(step, 'v', count, function(names, from)
        for i = 1, #names, FIELDS_PER_HSET / 2 do
            local fields = {}
            for k = i, math.min(i + FIELDS_PER_HSET / 2 - 1, #names) do
                fields[#fields + 1] = names[k]
                fields[#fields + 1] = args[at + from + k - 1]
            end
            redis.call('HSET', c.items, unpack(fields))
        end
    end)
    redis.call('HSET', c.task, 'f' .. step, count)
end

function items_change.p(c, step, at)
    local item, blob, result = args[at + 1], args[at + 2], args[at + 3]
    if result ~= '' then
        redis.call('HSET', c.items, step .. 'b' .. item, blob, step .. 'r' .. item, result)
    else
        redis.call('HSET', c.items, step .. 'b' .. item, blob)
    end
end

function items_change.a(c, step)
    items_fields(step, 'b', items_of(c.task, step), function(names)
        local undone = {}
        for i, blob in ipairs(redis.call('HMGET', c.items, unpack(names))) do
            if blob and blob:byte(1) ~= ITEM_DONE then
                undone[#undone + 1] = names[i]
            end
        end
        if #undone > 0 then
            redis.call('HDEL', c.items, unpack(undone))
        end
    end)
end

local function put_items(c)
    local at = c.items_at
    for _ = 1, c.items_count do
        local count = tonumber(args[at + 3])
        items_change[args[at + 1]](c, args[at + 2], at + 3, count)
        at = at + 3 + count
    end
end

-- Appends to fields, for a step: b<step>:<item> and the blob of each begun item, then m<step> and the marks of all items.
local function put_marks(fields, task, items, step)
    local marks = {}
    items_fields(step, 'b', items_of(task, step), function(names, from)
        for i, blob in ipairs(redis.call('HMGET', items, unpack(names))) do
            marks[#marks + 1] = blob and blob:sub(1, 1) or 'w'
            if blob and blob:byte(1) == ITEM_BEGUN then
                fields[#fields + 1] = 'b' .. step .. ':' .. (from + i - 1)
                fields[#fields + 1] = blob
            end
        end
    end)
    fields[#fields + 1] = 'm' .. step
    fields[#fields + 1] = table.concat(marks)
end

-- A page of a step's items, from one on, with one of the marks ('' = any). Returns the first item of the next page (0 = none),
-- then item, blob and result of each.
local function read_items(call_keys, call_args)
    local task, items = call_keys[1], call_keys[2]
    local step, from, limit, marks = call_args[1], tonumber(call_args[2]), tonumber(call_args[3]), call_args[4]
    local count = items_of(task, step)
    local page, bytes = {0}, 0
    for item = from, count do
        local r = redis.call('HMGET', items, step .. 'b' .. item, step .. 'r' .. item)
        local blob, result = r[1] or '', r[2] or ''
        if marks == '' or marks:find(blob ~= '' and blob:sub(1, 1) or 'w', 1, true) then
            bytes = bytes + #blob + #result
            if #page > 3 * limit or (#page > 1 and bytes > ITEMS_PAGE_BYTES_MAX) then
                page[1] = item
                break
            end
            page[#page + 1], page[#page + 2], page[#page + 3] = item, blob, result
        end
    end
    return page
end
