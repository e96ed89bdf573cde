"""How sentence-transformers reads the pairs of a saved cross-encoder: one frozen value.

Everything that its files can say is either in the value or refused by name. The rules are those of
sentence-transformers 6.2 (base/modules/transformer.py, base/model.py, cross_encoder/model.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from rerankbench.errors import ModelError
from rerankbench.rerankers.files import modules_file
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.modules_file import SavedModules

MODEL_TYPE = "CrossEncoder"
TASKS: Mapping[str, str] = {
    "sequence-classification": "logits",
    "text-generation": "logits",
    "feature-extraction": "last_hidden_state",
}
# Settings of downloading and loading, and dtypes, which a run chooses itself.
_OF_LOADING = frozenset(
    {"subfolder", "token", "cache_dir", "revision", "local_files_only", "trust_remote_code"}
    | {"use_safetensors", "use_fast", "use_cache", "low_cpu_mem_usage", "device_map"}
    | {"dtype", "torch_dtype", "attn_implementation"}
)
# Arguments of a tokeniser that do not change the tokens of a single pair.
_OF_PADDING = frozenset({"padding", "pad_to_multiple_of", "return_tensors", "logits_to_keep"})
_SIZES = frozenset({"padding", "truncation", "max_length", "return_tensors"})
# Which of two texts is cut is the project's own rule; that one is cut at all is not.
_CUTTING = (None, True, "longest_first", "only_second")
_STRUCTURED_BY = ("content[0]", ".type", "'type'", '"type"', "item.type", "message.content[")
_FLAT_TYPES = frozenset({"apertus", "deepseek_v3", "gpt_oss", "seed_oss"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A pair as a conversation: one message of the role `query`, one of the role `document`.

    Contents are texts, or lists of typed parts where `structured` (None: the template tells).
    `arguments` are those of the template. `template` replaces the tokeniser's.
    """

    structured: bool | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairReading:
    """How a pair is read, and by what.

    `prompt` precedes the query, or is the chat's system message. `float32` names the layers
    that compute in float32 whatever the model's dtype.
    """

    task: str
    prompt: str | None = None
    max_length: int | None = None
    lower_case: bool = False
    truncation_side: str | None = None
    chat: Chat | None = None
    float32: tuple[str, ...] = ()


def read(checkpoint: Checkpoint) -> PairReading | None:
    """The reading the files define; None unless they are a sentence-transformers cross-encoder.

    Raises ModelError for anything in them that changes scores and is not known here.
    """
    saved = modules_file.read(checkpoint.folder)
    if saved is None or saved.model_type != MODEL_TYPE:
        return None
    settings, name = saved.transformer, checkpoint.name
    task = str(settings.get("transformer_task") or _task_of(checkpoint, saved))
    if task not in TASKS:
        _refuse(name, f"transformer_task {task:.40}", TASKS)
    _check_known(name, settings)
    arguments = settings.get("processor_kwargs") or settings.get("tokenizer_args") or {}
    chat = _chat(name, task, settings, arguments)
    return PairReading(
        task=task,
        prompt=_prompt(name, saved),
        max_length=_length(name, settings, arguments, in_chat=chat is not None),
        lower_case=bool(settings.get("do_lower_case")),
        truncation_side=_side(name, arguments),
        chat=chat,
        float32=tuple(saved.settings.get("keep_in_fp32_modules") or ()),
    )


def _task_of(checkpoint: Checkpoint, saved: SavedModules) -> str:
    """The task of files that do not name it, which older releases wrote."""
    if "LogitScore" in saved.kinds:
        return "text-generation"
    alone = not saved.heads and checkpoint.is_classifier
    return "sequence-classification" if alone else "feature-extraction"


def _check_known(name: str, settings: Mapping[str, Any]) -> None:
    known = {
        *("transformer_task", "modality_config", "module_output_name", "processing_kwargs"),
        *("unpad_inputs", "query_length", "document_length", "query_expansion"),
        *("max_seq_length", "do_lower_case", "tokenizer_args", "processor_kwargs"),
        *("model_args", "model_kwargs", "config_args", "config_kwargs"),
    }
    for key in settings:
        if key not in known:
            _refuse(name, f"'{key:.40}' in its sentence_bert_config.json", ())
    for key in ("model_args", "model_kwargs", "config_args", "config_kwargs"):
        for inner in settings.get(key) or {}:
            if inner not in _OF_LOADING:
                _refuse(name, f"'{key}.{inner:.40}' in its sentence_bert_config.json", _OF_LOADING)


def _prompt(name: str, saved: SavedModules) -> str | None:
    default = saved.settings.get("default_prompt_name")
    if default is None:
        return None
    prompts = saved.settings.get("prompts") or {}
    if default not in prompts:
        raise ModelError(
            f"{name}: its default prompt '{default:.40}' is none of its prompts "
            f"({', '.join(prompts)!s:.80}); mend its {modules_file.SETTINGS}"
        )
    return prompts[default] or None


def _length(
    name: str, settings: Mapping[str, Any], arguments: Mapping[str, Any], *, in_chat: bool
) -> int | None:
    """Tokens of a pair: what the tokeniser is called with, else made with, else the old key."""
    called = settings.get("processing_kwargs") or {}
    # Later buckets override earlier ones, in a different order for chats and texts.
    order = ("common", "text", "chat_template") if in_chat else ("text", "common")
    length = arguments.get("model_max_length", settings.get("max_seq_length"))
    for bucket in order:
        values = called.get(bucket) or {}
        if values.get("truncation") not in _CUTTING:
            _refuse(name, f"truncation {values['truncation']!r:.40}", ("longest_first",))
        length = values.get("max_length") or length
        if in_chat and bucket == "chat_template":
            continue
        for key in values:
            if key not in _OF_PADDING | _SIZES:
                _refuse(name, f"'processing_kwargs.{bucket}.{key:.40}'", _OF_PADDING | _SIZES)
    if length is not None and (type(length) is not int or not 0 < length <= 10**8):
        _refuse(name, f"a length of {length!r:.40}", ())
    return length


def _side(name: str, arguments: Mapping[str, Any]) -> str | None:
    for key in arguments:
        if key not in {"model_max_length", "truncation_side", "chat_template", *_OF_LOADING}:
            _refuse(name, f"'processor_kwargs.{key:.40}'", ("model_max_length", "truncation_side"))
    side = arguments.get("truncation_side")
    if side not in (None, "left", "right"):
        _refuse(name, f"truncation_side {side!r:.40}", ("left", "right"))
    return None if side is None else str(side)


def _chat(
    name: str, task: str, settings: Mapping[str, Any], arguments: Mapping[str, Any]
) -> Chat | None:
    """The conversation that a pair is put into; None where it is read as two texts."""
    ways = settings.get("modality_config") or {"text": {}}
    way = ways.get("message", ways.get("text"))
    if way is None:
        _refuse(name, f"reading {', '.join(ways)!s:.60}", ("text", "message"))
    output = way.get("method_output_name") or TASKS[task]
    if way.get("method", "forward") != "forward" or output != TASKS[task]:
        _refuse(name, f"reading {way.get('method')!s:.40} → {output!s:.40}", (TASKS[task],))
    if "message" not in ways:
        return None
    called = (settings.get("processing_kwargs") or {}).get("chat_template") or {}
    template = arguments.get("chat_template")
    if template is not None and not isinstance(template, str):
        _refuse(name, "a processor_kwargs.chat_template that is no text", ())
    return Chat(
        structured={"structured": True, "flat": False}.get(str(way.get("format"))),
        arguments={k: v for k, v in called.items() if k not in {*_SIZES, "restore_suffix"}},
        template=template,
    )


def is_structured(chat: Chat, template: str, model_type: str | None) -> bool:
    """Whether the chat's contents are lists of typed parts, judging by the template's text."""
    if chat.structured is not None:
        return chat.structured
    return model_type not in _FLAT_TYPES and any(part in template for part in _STRUCTURED_BY)


def _refuse(name: str, what: str, known: Collection[str]) -> NoReturn:
    hint = f" (known: {', '.join(sorted(known))!s:.100})" if known else ""
    raise ModelError(
        f"{name}: {what}, as saved by sentence-transformers, is not supported{hint}; save it "
        "without that"
    )
