"""What a config says of a service, checked before any work: address, form, key and patience."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rerankbench.errors import UsageError
from rerankbench.http_client.address import Key, check_address, check_variable, read_key
from rerankbench.http_client.client import Patience
from rerankbench.http_client.messages import Settings
from rerankbench.http_client.signing import AwsKeys, read_aws_keys
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.http.forms import FORMS, Fields, Form
from rerankbench.rerankers.recipe import Kind, choice, settings

CONCURRENCY = 4
MOST_CONCURRENCY = 256
MOST_RETRIES = 20
SETTINGS = Settings(
    url="'url'",
    key="'key_env'",
    request="'api' and the model's name",
    smaller="lower 'batch_documents' or, where the API has it, set 'truncate: true'",
    patience="'retries' or 'timeout_s'",
)
"""How a recipe names what can be set."""
LEAST_TIMEOUT_S, MOST_TIMEOUT_S = 0.001, 3600.0

# DashScope speaks Cohere's form too, under `reranks`.
_LAST_WORDS = {each.word.rpartition("/")[2] for each in FORMS.values()} | {"reranks"}

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

    def key(self) -> Key | AwsKeys | None:
        """The key, read from the environment now. Raises UsageError naming the variable."""
        if self.key_env is not None:
            return read_key(self.model, self.key_env)
        if self.form.signed_for is not None:
            return read_aws_keys(self.model, self.url, self.form.signed_for)
        return None


def described(spec: RerankerSpec) -> Service:
    """The service that a spec's recipe describes. Raises UsageError."""
    for needed in ("api", "url"):
        if not isinstance(spec.recipe.get(needed), str):
            known = f" ({', '.join(FORMS)})" if needed == "api" else ""
            raise UsageError(
                f"{spec.model}: a service needs '{needed}'{known} in its recipe; "
                "add recipe: {api: …, url: …}"
            )
    key_env = spec.recipe.get("key_env")
    if key_env is not None:
        check_variable(spec.model, "'key_env'", key_env)
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


def _address(spec: RerankerSpec, url: str, form: Form) -> str:
    """The whole address; what ends in no word of a form gets this form's. Raises UsageError."""
    parts = check_address(spec.model, "'url'", url, key_setting="'key_env'")
    path = parts.path.rstrip("/")
    if path.rpartition("/")[2] not in _LAST_WORDS:
        path = f"{path}/{form.word}"
    return f"{parts.scheme}://{parts.netloc}{path}"
