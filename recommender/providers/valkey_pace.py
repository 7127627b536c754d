"""The pace of rate limits in the broker's Valkey or Redis, where the broker is one.

A script does there, under the server's clock and at once, what `embeddings.calls.rate_limit` says.
"""

import os
from functools import cache
from urllib.parse import parse_qsl, urlencode, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from embeddings.calls import rate_limit
from embeddings.calls.rate_limit import Rate

# Longer than any pace matters: after a hold and idleness it starts anew.
_KEPT_SECONDS = int(rate_limit.LONGEST_HOLD + rate_limit.LONGEST_WAIT + rate_limit.IDLE) + 60
_ANSWER_SECONDS = 1.0
_SCHEMES = {"redis": "redis", "rediss": "rediss", "redis+socket": "unix"}

CLOCK = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
"""
# Both scripts' first lines: the state, and its share at a time.
_PACE = f"""
local names = {{'requests_at', 'tokens_at', 'share', 'share_at', 'held_until'}}
local found, pace = redis.call('HMGET', KEYS[1], unpack(names)), {{}}
for place, name in ipairs(names) do pace[name] = tonumber(found[place] or '0') end

local function growth()
  if pace.share_at == pace.held_until then return {rate_limit.RECOVERY} end
  return {rate_limit.RAMP}
end

local function share_then(at)
  return math.min(1, pace.share + growth() * math.max(0, at - pace.share_at))
end

local function keep()
  for _, name in ipairs(names) do
    redis.call('HSET', KEYS[1], name, string.format('%.17g', pace[name]))
  end
  redis.call('EXPIRE', KEYS[1], {_KEPT_SECONDS})
end
"""
# Mirrors `limits.reserved`; ARGV: what the request and its tokens take, and the longest wait, all
# in seconds.
RESERVE = f"""{_PACE}
local busy_until = math.max(pace.requests_at, pace.tokens_at, pace.held_until)
if pace.share <= 0 or now > busy_until + {rate_limit.IDLE} then
  pace.share, pace.share_at, pace.held_until = {rate_limit.START}, now, 0
end
local slot = math.max(now, pace.requests_at, pace.tokens_at, pace.held_until)

local function seconds(work)
  local share, grows = share_then(slot), growth()
  local ramp = (1 - share) / grows
  local done = ramp * (1 + share) / 2
  if work >= done then return ramp + work - done end
  return (math.sqrt(share * share + 2 * grows * work) - share) / grows
end

if slot - now <= tonumber(ARGV[3]) then
  pace.requests_at = slot + seconds(tonumber(ARGV[1]))
  pace.tokens_at = slot + seconds(tonumber(ARGV[2]))
  keep()
end
return string.format('%.17g', slot - now)
"""
# Mirrors `limits.held`; ARGV: the seconds that the provider asks for, or 0.
HOLD = f"""{_PACE}
local hold = math.max(tonumber(ARGV[1]), {rate_limit.SHORTEST_HOLD})
hold = math.min(hold, {rate_limit.LONGEST_HOLD})
if now >= pace.held_until then
  pace.share = math.max({rate_limit.FLOOR}, share_then(now) / 2)
end
local held_until = math.max(now + hold, pace.held_until)
pace.share_at, pace.held_until = held_until, held_until
keep()
"""


def client(broker_url: str) -> "redis.Redis | None":
    """This process's client of the broker; None where that is no Valkey or Redis by itself."""
    url = _redis_url(broker_url)
    return None if url is None else _client(url, os.getpid())


def reserve(server: "redis.Redis", key: str, rate: Rate, tokens: int, longest: float) -> float:
    """`limits.reserved` on the shared pace: the seconds to wait.

    Raises:
        redis.RedisError: the server does not answer, or refuses.
    """
    script = server.register_script(CLOCK + RESERVE)
    return float(script(keys=[_name(key)], args=[*map(repr, rate.seconds(tokens)), longest]))


def hold(server: "redis.Redis", key: str, retry_after: float | None) -> None:
    """`limits.held` on the shared pace.

    Raises:
        redis.RedisError: the server does not answer, or refuses.
    """
    server.register_script(CLOCK + HOLD)(keys=[_name(key)], args=[repr(retry_after or 0.0)])


def _name(key: str) -> str:
    return f"kinship:pace:{key}"


@cache
def _client(url: str, pid: int) -> "redis.Redis":  # noqa: ARG001 - a fork gets its own
    # A connection that the server closed meanwhile is opened again; a request repeated by
    # mistake only takes a second slot.
    return redis.Redis.from_url(
        url,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


def _redis_url(broker_url: str) -> str | None:
    """A broker's URL as Celery writes it, in the redis package's words."""
    parts = urlsplit(broker_url)
    if parts.scheme not in _SCHEMES:
        return None
    query = dict(parse_qsl(parts.query))
    if "virtual_host" in query:
        query["db"] = query.pop("virtual_host").lstrip("/")
    if "ssl_cert_reqs" in query:
        query["ssl_cert_reqs"] = query["ssl_cert_reqs"].removeprefix("CERT_").lower()
    # geturl() would leave out the slashes before the path of a socket.
    return f"{_SCHEMES[parts.scheme]}://{parts.netloc}{parts.path}?{urlencode(query)}"
