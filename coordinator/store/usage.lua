---- what tasks have used: a part of marathon.lua, put in there where it says that it comes ----

-- marathon:usage:<pNN>:<day> holds the sums of a partition's day; fields <model>\n<task type>\n and i, o (tokens) or c
-- (billionths of a dollar). They outlive the tasks.

local USAGE_FIELDS_MAX = 3 * 200    -- USAGE_PAIRS_MAX of model/limits.h
local USAGE_KEPT_S = 92 * 86400     -- USAGE_DAYS_MAX, from the last change on

local usage_key, usage_type, usage_count, usage_at -- of the row in hand; nil: it has none

-- Takes day, task type, and for each model its name and what is to be added.
local function take_usage()
    usage_key, usage_type, usage_count = key(), arg(), tonumber(arg())
    usage_at = arg_at
    arg_at = arg_at + 4 * usage_count
end

-- A sum that would pass 2^63 stays what it is: the call must not fail half-way.
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

-- A partition's days: the place of each among the keys, its fields and values; those without any left out.
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
