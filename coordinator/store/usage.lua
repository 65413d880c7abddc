---- what tasks have used: a part of marathon.lua, which embed.cmake inserts there ----

-- marathon:usage:<pNN>:<day> has the sums of a partition and day: the fields are <model>\n<task type>\n and i, o (tokens) or c
-- (billionths of a dollar). They outlive the tasks.

local USAGE_FIELDS_MAX = 3 * 200    -- USAGE_PAIRS_MAX of model/limits.h
local USAGE_KEPT_S = 92 * 86400     -- USAGE_DAYS_MAX, from the last change

local usage_key, usage_type, usage_count, usage_at -- of the current row; nil: it has no usage

-- Takes the key of the day, the task type, and for each model its name and the amounts to add.
local function take_usage()
    usage_key, usage_type, usage_count = key(), arg(), tonumber(arg())
    usage_at = arg_at
    arg_at = arg_at + 4 * usage_count
end

-- A sum that would exceed 2^63 is left unchanged: the call must not fail half-way.
local function put_usage()
    local full = redis.call('HLEN', usage_key) >= USAGE_FIELDS_MAX - 3
    for at = usage_at, usage_at + 4 * usage_count - 1, 4 do
        local pair = args[at + 1] .. '\n' .. usage_type .. '\n'
        if full and redis.call('HEXISTS', usage_key, pair .. 'c') == 0 then
            pair = 'other\nother\n'
        end
        redis.pcall('HINCRBY', usage_key, pair .. 'i', args[at + 2])
        redis.pcall('HINCRBY', usage_key, pair .. 'o', args[at + 3])
        redis.pcall('HINCRBY', usage_key, pair .. 'c', args[at + 4])
    end
    redis.call('EXPIRE', usage_key, USAGE_KEPT_S)
end

-- The usage of several days of a partition: for each day that has some its index among the keys (from 0), and its fields and
-- values.
local function read_usage(call_keys)
    local days = {}
    for i, day in ipairs(call_keys) do
        local fields = redis.call('HGETALL', day)
        if #fields > 0 then
            days[#days + 1] = i - 1
            days[#days + 1] = fields
        end
    end
    return days
end
