"""A tokeniser's chat template rendered without the tokeniser: a pair as one text with its places.

Templates are programs of a model's authors; they run in Jinja's sandbox, as in transformers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from rerankbench.errors import ModelError
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.json_file import read_object


def rendered(checkpoint: Checkpoint, instruction: str | None) -> str:
    """What the template makes of `{query}` and `{document}`, which stay in its text.

    The roles are those of sentence-transformers: `query`, `document`, and `system` for the
    instruction. Raises ModelError for a template without such roles.
    """
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    source = _source(checkpoint.folder, checkpoint.tokenizer_config)
    if source is None:
        raise ModelError(f"{checkpoint.name}: has no chat template; name a preset or a template")
    # transformers' settings (utils/chat_template_utils.py).
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _refuse
    messages = [{"role": role, "content": f"{{{role}}}"} for role in ("query", "document")]
    if instruction is not None:
        messages.insert(0, {"role": "system", "content": instruction})
    tokens = {
        name: value["content"] if isinstance(value, dict) else value
        for name, value in checkpoint.tokenizer_config.items()
        if name.endswith("_token") and isinstance(value, str | dict)
    }
    try:
        text = environment.from_string(source).render(
            messages=messages, add_generation_prompt=_prompts_generation(checkpoint), **tokens
        )
    except TemplateError as error:
        raise ModelError(
            f"{checkpoint.name}: its chat template fails ({str(error)[:100]}); name a template"
        ) from error
    if text.count("{query}") != 1 or text.count("{document}") != 1:
        raise ModelError(
            f"{checkpoint.name}: its chat template has no roles query and document; name a preset "
            "or a template in the recipe"
        )
    return text


def _prompts_generation(checkpoint: Checkpoint) -> bool:
    """Whether sentence-transformers was told to begin the answer's turn."""
    path = checkpoint.folder / "sentence_bert_config.json"
    saved = read_object(path).get("processing_kwargs") or {}
    return bool((saved.get("chat_template") or {}).get("add_generation_prompt", False))


def _source(folder: Path, tokenizer_config: Mapping[str, Any]) -> str | None:
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    found = tokenizer_config.get("chat_template")
    return found if isinstance(found, str) else None


def _refuse(message: str) -> NoReturn:
    from jinja2 import TemplateError

    raise TemplateError(message)
