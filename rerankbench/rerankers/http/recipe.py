"""Settings of services in a config: address, form, key, patience, and those of the form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import Field

from rerankbench.http_client.client import Patience
from rerankbench.rerankers.recipe import Recipe

Fields: TypeAlias = Mapping[str, "str | int | bool"]
_USUAL = Patience()


class ServiceRecipe(Recipe):
    """Settings of any service; forms with more have their own class."""

    api: str = Field(description="the form that the service speaks")
    url: str = Field(description="its address; the form's own last word may be left out")
    key_env: str | None = Field(None, description="the environment variable that holds the key")
    concurrency: int = Field(4, ge=1, le=256, description="requests that are under way at once")
    timeout_s: float = Field(
        _USUAL.timeout_s, ge=0.001, le=3600, description="seconds for one request, as a whole"
    )
    retries: int = Field(
        _USUAL.retries, ge=0, le=20, description="how often a request that failed is sent again"
    )
    batch_documents: int | None = Field(
        None, ge=1, description="documents of one request; as many as the form allows"
    )

    @property
    def options(self) -> Fields:
        """What the form adds, as far as it is set."""
        own = type(self).model_fields.keys() - ServiceRecipe.model_fields.keys()
        return self.model_dump(include=own, exclude_none=True)


class TruncatingRecipe(ServiceRecipe):
    """For services that refuse long texts unless truncation is requested."""

    truncate: bool = Field(True, description="whether texts that are too long are cut")


class CohereRecipe(ServiceRecipe):
    """Of Cohere's form, and of servers that speak it."""

    max_tokens_per_doc: int | None = Field(None, ge=1, description="tokens of a document")
    raw_scores: bool | None = Field(None, description="whether vLLM and Infinity give logits")
