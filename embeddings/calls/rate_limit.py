"""Keeping to a provider's requests and tokens a minute.

Providers enforce a limit a minute in every second, too, so calls are spaced evenly instead of let
through in bursts: the generic cell rate algorithm (ITU-T I.371, 1993; a leaky bucket that stores
one time instead of a queue) without burst tolerance, for requests and for tokens. After idleness
the rate ramps up. After a refusal it is halved and grows back little by little: additive increase,
multiplicative decrease (Chiu and Jain 1989).

The maths is pure: `reserved` and `held` take a `RateLimitState` and give the next one.
Whoever shares a limit between processes stores it and applies them under a lock.
"""

import math
from dataclasses import dataclass, replace
from typing import Protocol, Self

from embeddings.spec import ModelSpec

# Who says nothing else waits no longer for a slot, in seconds: a longer wait reserves none.
LONGEST_WAIT = 120.0
# What is left free of the limit: with it, a call that arrives 50 ms early or late never makes one
# too many in any second.
MARGIN = 0.05
# After so many seconds without a call the rate starts at this share of the rate …
IDLE = 10.0
START = 0.25
# … and grows by this share a second; after a refusal, by that.
RAMP = 0.375
RECOVERY = 0.1
# However often it is refused, the share does not fall below this.
FLOOR = 0.05
# How long nothing is sent after a refusal, in seconds, whatever the provider asks for.
SHORTEST_HOLD = 1.0
LONGEST_HOLD = 3600.0

# Little's law: calls under way = calls a second * seconds that a call takes.
_SECONDS_A_CALL = 0.35
_FEWEST_CALLS, _MOST_CALLS = 4, 32
_CALLS_AT_UNKNOWN_RATE = 8


class Limiter(Protocol):
    """Spaces the calls of a model. Safe to share between threads."""

    def delay(self, tokens: int, longest: float = LONGEST_WAIT) -> float:
        """Reserve the next slot for one request of about so many tokens.

        Returns:
            The seconds to wait before sending it. More than `longest`: none was reserved.
        """
        ...

    def throttled(self, retry_after: float | None) -> None:
        """The provider refused a call for being asked too often (a 429).

        Args:
            retry_after: seconds, where it said so.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Unlimited:
    def delay(self, tokens: int, longest: float = LONGEST_WAIT) -> float:  # noqa: ARG002 - the protocol's
        return 0.0

    def throttled(self, retry_after: float | None) -> None:
        pass


UNLIMITED: Limiter = _Unlimited()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What may be sent a second; infinite where there is no limit."""

    requests: float = math.inf
    tokens: float = math.inf

    @classmethod
    def of(cls, spec: ModelSpec) -> Self | None:
        """A model's limits less the margin; None for a model without any."""
        if spec.requests_per_minute is None and spec.tokens_per_minute is None:
            return None
        return cls(
            requests=_a_second(spec.requests_per_minute), tokens=_a_second(spec.tokens_per_minute)
        )

    def seconds(self, tokens: int) -> tuple[float, float]:
        """How long one request, and how long its tokens, take up the full rate."""
        return 1.0 / self.requests, tokens / self.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitState:
    """The state of a limit; times in seconds of one clock.

    The next call may be sent at `requests_at` and `tokens_at` at the earliest, and not before
    `held_until`. `share` of the rate was in use at `share_at`, and grows from then on: slowly
    where `share_at` is the end of a hold.
    """

    requests_at: float = 0.0
    tokens_at: float = 0.0
    share: float = 0.0
    share_at: float = 0.0
    held_until: float = 0.0

    @property
    def growth(self) -> float:
        """By how much the share grows in a second."""
        return RECOVERY if self.share_at == self.held_until else RAMP

    def share_then(self, at: float) -> float:
        """The share of the rate in use at a time."""
        return min(1.0, self.share + self.growth * max(0.0, at - self.share_at))


def reserved(
    state: RateLimitState, now: float, rate: Rate, tokens: int, longest: float = LONGEST_WAIT
) -> tuple[RateLimitState, float]:
    """Reserve a slot for one request; the state after it, and the seconds until the slot.

    One that is more than `longest` seconds away is not reserved.

    A request of more tokens than a second allows is sent all the same; what follows waits longer.
    """
    rested = _rested(state, now)
    slot = max(now, rested.requests_at, rested.tokens_at, rested.held_until)
    if slot - now > longest:
        return state, slot - now
    request_seconds, token_seconds = rate.seconds(tokens)
    following = replace(
        rested,
        requests_at=slot + _seconds(request_seconds, rested, slot),
        tokens_at=slot + _seconds(token_seconds, rested, slot),
    )
    return following, slot - now


def held(state: RateLimitState, now: float, retry_after: float | None) -> RateLimitState:
    """Hold all calls for as long as the provider asks, and halve the rate.

    Refusals that come in during a hold are of calls sent before it: they halve nothing more.
    """
    until = now + min(max(retry_after or 0.0, SHORTEST_HOLD), LONGEST_HOLD)
    is_held = now < state.held_until
    share = state.share if is_held else max(FLOOR, state.share_then(now) / 2)
    until = max(until, state.held_until)
    return replace(state, share=share, share_at=until, held_until=until)


def concurrency_for(spec: ModelSpec) -> int:
    """How many calls of a model to have under way so that its rate is reached.

    By Little's law (1961), at a usual latency; 1 for a model that runs in this process.
    """
    if not spec.is_hosted:
        return 1
    if spec.requests_per_minute is None:
        return _CALLS_AT_UNKNOWN_RATE
    needed = math.ceil(spec.requests_per_minute / 60 * _SECONDS_A_CALL)
    return min(max(needed, _FEWEST_CALLS), _MOST_CALLS)


def _a_second(per_minute: int | None) -> float:
    return math.inf if per_minute is None else per_minute / 60 * (1 - MARGIN)


def _rested(state: RateLimitState, now: float) -> RateLimitState:
    """The state as it starts anew after idleness, or as it is."""
    busy_until = max(state.requests_at, state.tokens_at, state.held_until)
    if state.share > 0 and now <= busy_until + IDLE:
        return state
    return replace(state, share=START, share_at=now, held_until=0.0)


def _seconds(work: float, state: RateLimitState, start: float) -> float:
    """How long work takes that would take `work` seconds at the full rate.

    The integral of the share, from `start` on, is the work: a parabola while the share grows,
    then a straight line.
    """
    share, growth = state.share_then(start), state.growth
    ramp = (1.0 - share) / growth
    done = ramp * (1.0 + share) / 2
    if work >= done:
        return ramp + work - done
    return (math.sqrt(share * share + 2 * growth * work) - share) / growth
