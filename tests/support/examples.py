"""How many examples a test draws: fewer in `make test`, more in `make test-all` (hypothesis' profiles)."""

from hypothesis import settings

THOROUGH = "thorough"

settings.register_profile("fast", deadline=None, max_examples=50)
settings.register_profile(THOROUGH, deadline=None, max_examples=200)
settings.load_profile("fast")  # unless --hypothesis-profile names the other


def examples(fast: int, thorough: int) -> settings:
    """Settings of a test with examples of its own number, whose first call may compile."""
    chosen = thorough if settings.get_current_profile_name() == THOROUGH else fast
    return settings(max_examples=chosen, deadline=None)
