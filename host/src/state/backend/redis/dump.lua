-- Every record, all from one moment: key, body, end or '', indexes in JSON.
--
-- KEYS[1] is the counter of commits; every other key begins as it does.

local prefix = string.sub(KEYS[1], 1, -1 - string.len('commits')) .. 'record:'
-- In a pattern these stand for others.
local pattern = string.gsub(prefix, '[%*%?%[%]\\]', '\\%0') .. '*'

local found = {}
local seen = {}
local cursor = '0'
repeat
    local page = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1000)
    cursor = page[1]
    for _, key in ipairs(page[2]) do
        -- SCAN may tell a key twice.
        if not seen[key] then
            seen[key] = true
            local fields = redis.call('HMGET', key, 'body', 'expires_at', 'indexes')
            if fields[1] then
                found[#found + 1] = {
                    string.sub(key, string.len(prefix) + 1),
                    fields[1],
                    fields[2] or '',
                    fields[3] or '[]',
                }
            end
        end
    end
until cursor == '0'
return found
