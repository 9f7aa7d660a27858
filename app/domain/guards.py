"""Guard reports: platform-foundation checks (architecture, policy, plan) that run in a mode of enforcement.

A guard's `mode` uses the words of `gates.Enforcement`; its result those of `evidence.Result`.
"""

from __future__ import annotations

from app.domain.gates import Enforcement

GuardMode = Enforcement
