"""Keeping it going: loops that survive an outage, pacing of systems (back-off, token bucket, circuit breaker),
processes that are started again."""
