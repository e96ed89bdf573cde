"""What a config says of a service, checked before any work: address, form, key and patience."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rerankbench.errors import UsageError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.http.client import Key, Patience
from rerankbench.rerankers.http.forms import FORMS, Fields, Form
from rerankbench.rerankers.recipe import Kind, choice, settings

CONCURRENCY = 4
MOST_CONCURRENCY = 256
MOST_RETRIES = 20
LEAST_TIMEOUT_S, MOST_TIMEOUT_S = 0.001, 3600.0

_SETTINGS: Mapping[str, Kind] = {
    "url": "text",
    "api": "text",
    "key_env": "text",
    "concurrency": "integer",
    "timeout_s": "number",
    "retries": "integer",
    "batch_documents": "integer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One model behind one address. `key_env` names the variable that holds the key."""

    model: str
    api: str
    form: Form
    url: str
    key_env: str | None
    concurrency: int
    batch_documents: int
    patience: Patience
    options: Fields

    def key(self) -> Key | None:
        """The key, read from the environment now. Raises UsageError naming the variable."""
        if self.key_env is None:
            return None
        value = os.environ.get(self.key_env, "").strip()
        if not value:
            raise UsageError(
                f"{self.model}: the environment variable {self.key_env} holds no key; export it"
            )
        if not (value.isascii() and value.isprintable() and " " not in value):
            raise UsageError(
                f"{self.model}: what {self.key_env} holds is no key (one line of printable ASCII "
                "without spaces); export it again"
            )
        return Key(variable=self.key_env, value=value)


def described(spec: RerankerSpec) -> Service:
    """The service that a spec's recipe describes. Raises UsageError."""
    for needed in ("api", "url"):
        if not isinstance(spec.recipe.get(needed), str):
            known = f" ({', '.join(FORMS)})" if needed == "api" else ""
            raise UsageError(
                f"{spec.model}: a service needs '{needed}'{known} in its recipe; "
                "add recipe: {api: …, url: …}"
            )
    key_env = _variable(spec, spec.recipe.get("key_env"))
    form: Form = choice(spec, "api", spec.recipe["api"], FORMS)
    kinds = {name: option.kind for name, option in form.options.items()}
    found = settings(spec, {**_SETTINGS, **kinds})
    defaults = {
        name: option.default for name, option in form.options.items() if option.default is not None
    }
    usual = Patience()
    patience = Patience(
        timeout_s=_within(
            spec, found, "timeout_s", usual.timeout_s, LEAST_TIMEOUT_S, MOST_TIMEOUT_S
        ),
        retries=_within(spec, found, "retries", usual.retries, 0, MOST_RETRIES),
    )
    most = form.most_documents
    if "max_tokens_per_doc" in found:
        _within(spec, found, "max_tokens_per_doc", 1, 1, math.inf)
    return Service(
        model=spec.model,
        api=found["api"],
        form=form,
        url=_address(spec, found["url"], form),
        key_env=key_env,
        concurrency=_within(spec, found, "concurrency", CONCURRENCY, 1, MOST_CONCURRENCY),
        batch_documents=_within(spec, found, "batch_documents", most, 1, math.inf),
        patience=patience,
        options={**defaults, **{name: found[name] for name in kinds if name in found}},
    )


def _within(
    spec: RerankerSpec,
    found: Mapping[str, Any],
    name: str,
    usual: float,
    least: float,
    most: float,
) -> Any:
    """The setting, or what is usual. Raises UsageError."""
    value = found.get(name, usual)
    if not least <= value <= most:
        bound = f"{least:g} or more" if most == math.inf else f"{least:g} to {most:g}"
        raise UsageError(f"{spec.model}: recipe key '{name}' must be {bound} (given: {value})")
    return value


def _variable(spec: RerankerSpec, name: Any) -> str | None:
    # A key that was put here by mistake must not be shown.
    if name is None:
        return None
    if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
        raise UsageError(
            f"{spec.model}: 'key_env' must be the name of an environment variable, not the key"
        )
    return name


def _address(spec: RerankerSpec, url: str, form: Form) -> str:
    """The whole address; what ends in no word of a form gets this form's.

    What is wrong with it is said without showing it, as it may hold a password.
    """
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname)
        fine = fine and (parts.port is None or parts.port > 0)
    except ValueError:  # A port that is no number, a bracket that is not closed.
        fine = False
    plain = url.isascii() and url.isprintable() and " " not in url
    if not fine or not plain or "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(
            f"{spec.model}: 'url' must be http(s)://host[:port]/path without user, password or "
            "query; a key goes into the variable that 'key_env' names"
        )
    path = parts.path.rstrip("/")
    if path.rpartition("/")[2] not in {each.word for each in FORMS.values()}:
        path = f"{path}/{form.word}"
    return f"{parts.scheme}://{parts.netloc}{path}"
