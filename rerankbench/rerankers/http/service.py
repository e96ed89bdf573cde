"""A service as configured, checked before any work: address, form, key and patience."""

from __future__ import annotations

from dataclasses import dataclass

from rerankbench.errors import UsageError, nearest
from rerankbench.http_client.address import Key, check_address, check_variable, read_key
from rerankbench.http_client.client import Patience
from rerankbench.http_client.messages import Settings
from rerankbench.http_client.signing import AwsKeys, read_aws_keys
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.http.forms import FORMS, Form
from rerankbench.rerankers.http.recipe import ServiceRecipe
from rerankbench.rerankers.recipe import read

SETTINGS = Settings(
    url="'url'",
    key="'key_env'",
    request="'api' and the model's name",
    smaller="lower 'batch_documents' or, where the API has it, set 'truncate: true'",
    patience="'retries' or 'timeout_s'",
)
"""How a recipe names what can be set."""

# DashScope speaks Cohere's form too, under `reranks`.
_LAST_WORDS = {each.word.rpartition("/")[2] for each in FORMS.values()} | {"reranks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One model behind one address."""

    model: str
    form: Form
    url: str
    recipe: ServiceRecipe
    batch_documents: int

    @property
    def patience(self) -> Patience:
        """Time limits and number of attempts."""
        return Patience(timeout_s=self.recipe.timeout_s, retries=self.recipe.retries)

    def key(self) -> Key | AwsKeys | None:
        """The key, read from the environment now. Raises UsageError naming the variable."""
        if self.recipe.key_env is not None:
            return read_key(self.model, self.recipe.key_env)
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
    if spec.recipe.get("key_env") is not None:
        check_variable(spec.model, "'key_env'", spec.recipe["key_env"])
    api = spec.recipe["api"]
    if api not in FORMS:
        raise UsageError(f"{spec.model}: no api '{api}'; {nearest(api, FORMS)}")
    form = FORMS[api]
    recipe = read(spec, form.recipe)
    return Service(
        model=spec.model,
        form=form,
        url=_address(spec, recipe.url, form),
        recipe=recipe,
        batch_documents=recipe.batch_documents or form.most_documents,
    )


def _address(spec: RerankerSpec, url: str, form: Form) -> str:
    """The whole address; what ends in no word of a form gets this form's. Raises UsageError."""
    parts = check_address(spec.model, "'url'", url, key_setting="'key_env'")
    path = parts.path.rstrip("/")
    if path.rpartition("/")[2] not in _LAST_WORDS:
        path = f"{path}/{form.word}"
    return f"{parts.scheme}://{parts.netloc}{path}"
