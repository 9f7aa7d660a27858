"""The rules of one SARIF run, and which of them, at which level, a result speaks of (sections 3.27.5-10, 3.52)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.importers.documents import as_dict, as_list, as_text


def index_of(value: Any, things: list[Any]) -> int | None:
    """A SARIF array index; None for -1, which means none, and for whatever points outside the array."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < len(things) else None


@dataclass(frozen=True, slots=True)
class _Component:
    """The driver or an extension: its rules in order, and by id and guid."""

    name: str
    guid: str
    rules: list[Any]
    by_key: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, component: dict[str, Any], rules: list[Any]) -> _Component:
        by_key: dict[str, dict[str, Any]] = {}
        for rule in map(as_dict, rules):
            for key in filter(None, (as_text(rule.get("id")), as_text(rule.get("guid")))):
                by_key.setdefault(key, rule)
        return cls(as_text(component.get("name")), as_text(component.get("guid")), rules, by_key)

    def rule(self, index: Any, keys: list[str]) -> dict[str, Any]:
        """By position, else by the first key that a rule has; empty when there is none."""
        at = index_of(index, self.rules)
        if at is not None:
            return as_dict(self.rules[at])
        return next((self.by_key[key] for key in keys if key in self.by_key), {})


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a run, and the levels that its invocations gave them instead of their own."""

    components: list[_Component]
    """The driver first, then the extensions."""
    overrides: list[list[tuple[dict[str, Any], str]]]
    """For each invocation, (rule, level)."""

    @classmethod
    def of_run(cls, run: dict[str, Any], invocations: list[dict[str, Any]]) -> Rules:
        """The run's rules; 2.0.0 keeps them in `resources`, an object by id or a list, 1.0.0 in the run, by key."""
        tool = as_dict(run.get("tool"))
        driver = as_dict(tool.get("driver"))
        own = as_list(driver.get("rules"))
        if not driver:
            older = as_dict(run.get("resources")).get("rules") or run.get("rules")
            own = [{"id": key, "guid": key} | as_dict(rule) for key, rule in as_dict(older).items()] or as_list(older)
        extensions = [as_dict(extension) for extension in as_list(tool.get("extensions"))]
        rules = cls([_Component.of(driver, own), *(_Component.of(e, as_list(e.get("rules"))) for e in extensions)], [])
        for invocation in invocations:
            overrides = []
            for override in map(as_dict, as_list(invocation.get("ruleConfigurationOverrides"))):
                level = as_text(as_dict(override.get("configuration")).get("level")).lower()
                rule = rules._referred(as_dict(override.get("descriptor")))
                if rule and level:
                    overrides.append((rule, level))
            rules.overrides.append(overrides)
        return rules

    def of_result(self, result: dict[str, Any]) -> dict[str, Any]:
        """The rule that the result speaks of, or an empty one when the log does not hold it."""
        own = {"index": result.get("ruleIndex"), "id": result.get("ruleKey") or result.get("ruleId")}
        return self._referred(
            as_dict(result.get("rule")) | {key: value for key, value in own.items() if value is not None}
        )

    def _referred(self, reference: dict[str, Any]) -> dict[str, Any]:
        """Section 3.52: an index into the component's rules, else a guid or an id, which may have one more part than
        the rule's own. A reference that names no component means the driver; producers forget it for extensions."""
        id = as_text(reference.get("id"))
        keys = list(filter(None, (as_text(reference.get("guid")), id, id.rpartition("/")[0])))
        named = self._component(as_dict(reference.get("toolComponent")))
        if named is not None:
            return named.rule(reference.get("index"), keys)
        driver, *extensions = self.components
        return driver.rule(reference.get("index"), keys) or next(
            (r for e in extensions if (r := e.rule(None, keys))), {}
        )

    def _component(self, reference: dict[str, Any]) -> _Component | None:
        at = index_of(reference.get("index"), self.components[1:])
        if at is not None:
            return self.components[at + 1]
        for key in ("guid", "name"):
            wanted = as_text(reference.get(key))
            found = next((c for c in self.components if wanted and getattr(c, key) == wanted), None)
            if found is not None:
                return found
        return None

    def level_of(self, result: dict[str, Any], rule: dict[str, Any]) -> str:
        """The level of a failure that gives none itself: its invocation's, else the rule's, else warning. A result
        that does not say which invocation it is of belongs to the only one."""
        index = as_dict(result.get("provenance")).get("invocationIndex", 0 if len(self.overrides) == 1 else None)
        at = index_of(index, self.overrides)
        for overridden, level in self.overrides[at] if at is not None else ():
            if overridden is rule:
                return level
        configuration = as_dict(rule.get("defaultConfiguration")) or as_dict(rule.get("configuration"))
        level = as_text(configuration.get("level")) or as_text(configuration.get("defaultLevel"))
        return (level or as_text(rule.get("defaultLevel"))).lower() or "warning"
