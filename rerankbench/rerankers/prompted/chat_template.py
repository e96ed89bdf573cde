"""A tokeniser's chat template rendered without the tokeniser: a pair as one text with its places.

Templates are programs of a model's authors; they run in Jinja's sandbox, as in transformers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from rerankbench.errors import ModelError
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.pair_reading import Chat, is_structured

# What transformers' own templates may call, beside what Jinja has.
_EXTENSIONS = ("jinja2.ext.loopcontrols",)
# Contents that a template could change: white space, capitals, marks, length.
_PROBES = (("  Ab\n c", "D-e\t'f' "), ("x", "7 <y> & z"), ("query " * 2000, "words " * 20000))


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPair:
    """A pair's text with `{query}` and `{document}` in it; whether it strips what stands there."""

    text: str
    strips: bool


def rendered(checkpoint: Checkpoint, chat: Chat, instruction: str | None) -> RenderedPair:
    """What the template makes of `{query}` and `{document}`, which stay in its text.

    The roles are those of sentence-transformers: `query`, `document`, and `system` for the
    instruction. Raises ModelError for a template without such roles, and for one that changes
    what it is given.
    """
    source = chat.template or _source(checkpoint)
    if source is None:
        raise ModelError(f"{checkpoint.name}: has no chat template; name a preset or a template")
    structured = is_structured(chat, source, checkpoint.config.get("model_type"))
    write = _writer(checkpoint, source, chat, structured)
    text = write(instruction, "{query}", "{document}")
    if text.count("{query}") != 1 or text.count("{document}") != 1:
        raise ModelError(
            f"{checkpoint.name}: its chat template has no roles query and document; name a preset "
            "or a template in the recipe"
        )
    if "{bos}" in text or "{eos}" in text:
        raise ModelError(
            f"{checkpoint.name}: its chat template or prompt writes {{bos}} or {{eos}}, which "
            "stand for tokens here; name a template in the recipe"
        )
    strips = []
    for query, document in _PROBES:
        filled = write(instruction, query, document)
        if filled == _filled(text, query, document):
            strips.append(query == query.strip())
        elif filled == _filled(text, query.strip(), document.strip()):
            strips.append(True)
        else:
            raise ModelError(
                f"{checkpoint.name}: its chat template does more to a query and a document than "
                "to put text around them; name a preset or a template in the recipe"
            )
    return RenderedPair(text=text, strips=all(strips))


def _filled(text: str, query: str, document: str) -> str:
    parts = re.split(r"(\{query\}|\{document\})", text)
    return "".join({"{query}": query, "{document}": document}.get(part, part) for part in parts)


def _writer(
    checkpoint: Checkpoint, source: str, chat: Chat, structured: bool
) -> Callable[[str | None, str, str], str]:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # transformers' settings (utils/chat_template_utils.py).
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=_EXTENSIONS
    )
    environment.globals["raise_exception"] = _refuse
    environment.filters["tojson"] = _as_json
    tokens = {
        name: value["content"] if isinstance(value, dict) else value
        for name, value in checkpoint.tokenizer_config.items()
        if name.endswith("_token") and isinstance(value, str | dict)
    }
    variables = {"add_generation_prompt": False, **tokens, **chat.arguments}

    def write(instruction: str | None, query: str, document: str) -> str:
        said = {"system": instruction, "query": query, "document": document}
        messages = [
            {"role": role, "content": [{"type": "text", "text": text}] if structured else text}
            for role, text in said.items()
            if text is not None
        ]
        try:
            return environment.from_string(source).render(messages=messages, **variables)
        except Exception as error:  # A template is a program: it may divide by zero.
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"{checkpoint.name}: its chat template fails ({reason:.100}); name a template"
            ) from error

    return write


def _source(checkpoint: Checkpoint) -> str | None:
    path = checkpoint.transformer / "chat_template.jinja"
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: cannot be read ({error!s:.80}); fetch it again") from None
    template = checkpoint.tokenizer_config.get("chat_template")
    if isinstance(template, list):
        template = next((x["template"] for x in template if x["name"] == "default"), None)
    return template if isinstance(template, str) else None


def _as_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    from jinja2 import TemplateError

    raise TemplateError(message)
