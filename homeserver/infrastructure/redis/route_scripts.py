"""What the route table does inside Redis; Redis' own clock tells what has run out.

`workers` is a sorted set: worker id → when it counts as dead (ms). `user:<nid>` is a hash:
`<device nid> <worker id>` → when the entry counts as garbage (ms).
"""

from __future__ import annotations

from homeserver.infrastructure.redis.link import Script

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

BEAT = Script(
    _NOW
    + """
local dead_at = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local life = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
return {dead_at > now and 1 or 0, life, redis.call('ZRANGE', KEYS[1], 0, -1)}
"""
)
"""KEYS workers; ARGV worker, its life in ms, the set's life in ms.

Gives whether this worker was known and live, the id of this life of Redis (after a restart
from an old snapshot all looks well, and is not), and the live workers.
"""

WRITE = Script(
    _NOW
    + """
for i, key in ipairs(KEYS) do
  local field = ARGV[2 * i + 1] .. ' ' .. ARGV[1]
  if ARGV[2 * i + 2] == '1' then
    redis.call('HSET', key, field, now + ARGV[2])
    redis.call('PEXPIRE', key, ARGV[2])
  else
    redis.call('HDEL', key, field)
  end
end
"""
)
"""KEYS users; ARGV worker, an entry's life in ms, and for each user: device, whether it is on."""

LOOK_UP = Script(
    _NOW
    + """
local live = {}
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
  live[worker] = true
end
local found = {}
for i = 2, #KEYS do
  local entries, routes = redis.call('HGETALL', KEYS[i]), {}
  for j = 1, #entries, 2 do
    if tonumber(entries[j + 1]) <= now then
      redis.call('HDEL', KEYS[i], entries[j])
    elseif live[string.match(entries[j], ' (.*)')] then
      routes[#routes + 1] = entries[j]
    end
  end
  found[i - 1] = routes
end
return found
"""
)
"""KEYS workers, users; gives for each user the entries of live workers, as they are written."""

LIVE = Script(_NOW + "return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')")
"""KEYS workers; gives the live ones."""
