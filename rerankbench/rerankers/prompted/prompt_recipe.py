"""By which recipe a prompted model is read: what a config says, or what the files tell."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.prompted import chat_template
from rerankbench.rerankers.prompted.presets import Preset
from rerankbench.rerankers.recipe import Kind, choice, settings

SETTINGS: Mapping[str, Kind] = {
    "preset": "text",
    "instruction": "text",
    "template": "texts",
    "answers": "texts",
    "head": "text",
    "layer": "integer",
}
# Qwen3-Reranker's own limit; models of this form can read more than a machine can hold.
_CHAT_MAX_LENGTH = 8192


def resolve(
    checkpoint: Checkpoint,
    spec: RerankerSpec,
    presets: Mapping[str, Preset],
    heads: Collection[str],
) -> Preset:
    """The recipe, with the instruction in its place. Raises ModelError, UsageError."""
    asked = settings(spec, SETTINGS)
    preset = _named(spec, asked, presets) or _told_by_files(checkpoint, presets, asked)
    if preset is None:
        if "template" not in asked:
            raise ModelError(
                f"{checkpoint.name}: nothing tells its prompt; name a preset in a config, "
                f"{{model: {spec.model}, recipe: {{preset: …}}}}, of {', '.join(presets)}; "
                "or give a template"
            )
        preset = Preset(named="", segments=(), max_length=512)
    if checkpoint.architecture.endswith("ForSequenceClassification"):
        preset = replace(preset, head="label", answers=())
    return _changed(preset, asked, spec, heads)


def _named(
    spec: RerankerSpec, asked: Mapping[str, Any], presets: Mapping[str, Preset]
) -> Preset | None:
    if "preset" not in asked:
        return None
    found: Preset = choice(spec, "preset", asked["preset"], presets)
    return replace(found, origin=f"preset {asked['preset']}")


def _told_by_files(
    checkpoint: Checkpoint, presets: Mapping[str, Preset], asked: Mapping[str, Any]
) -> Preset | None:
    """From sentence-transformers' modules, else from the checkpoint's names."""
    if checkpoint.logit_score is not None:
        return _chat(checkpoint, checkpoint.logit_score, asked)
    for name, preset in presets.items():
        if any(map(preset.fits, checkpoint.names)):
            return replace(preset, origin=f"preset {name}")
    return None


def _chat(checkpoint: Checkpoint, ids: Mapping[str, Any], asked: Mapping[str, Any]) -> Preset:
    saved = checkpoint.sentence_transformers
    prompts, default = saved.get("prompts") or {}, saved.get("default_prompt_name")
    instruction = asked.get("instruction", prompts.get(default))
    no, yes = ids.get("false_token_id"), ids["true_token_id"]
    return Preset(
        named="",
        # An instruction is the conversation's system message; no place for it is left.
        segments=(chat_template.rendered(checkpoint, instruction),),
        answers=(yes,) if no is None else (no, yes),
        max_length=_CHAT_MAX_LENGTH,
        origin="chat template",
        instruction=instruction,
    )


def _changed(
    preset: Preset, asked: Mapping[str, Any], spec: RerankerSpec, heads: Collection[str]
) -> Preset:
    changes: dict[str, Any] = {"instruction": asked.get("instruction", preset.instruction)}
    if "template" in asked:
        changes |= {"segments": asked["template"], "free": (), "origin": "config"}
    if "answers" in asked:
        changes |= {"answers": asked["answers"], "head": "answers"}
    if "head" in asked:
        changes["head"] = choice(spec, "head", asked["head"], {name: name for name in heads})
    if "layer" in asked:
        changes["layer"] = asked["layer"]
    preset = replace(preset, **changes)
    _check(preset, asked, spec)
    form = "" if preset.instruction is None else preset.instruction_form
    told = form.replace("{instruction}", preset.instruction or "")
    return replace(
        preset, segments=tuple(s.replace("{instruction}", told) for s in preset.segments)
    )


def _check(preset: Preset, asked: Mapping[str, Any], spec: RerankerSpec) -> None:
    whole = "".join(preset.segments)
    for field in ("query", "document"):
        if whole.count(f"{{{field}}}") != 1:
            raise UsageError(f"{spec.model}: the recipe's template must hold {{{field}}} once")
        if f"{{{field}}}" in (asked.get("instruction") or ""):
            raise UsageError(f"{spec.model}: an instruction cannot hold {{{field}}}")
    fixed = preset.instruction is not None and preset.instruction in whole
    if "instruction" in asked and "{instruction}" not in whole and not fixed:
        raise UsageError(f"{spec.model}: its prompt has no place for an instruction")
    if preset.head == "answers" and len(preset.answers) not in (1, 2):
        raise UsageError(f"{spec.model}: the recipe needs one answer, or two: [no, yes]")
    if preset.layer is not None and preset.head != "layer":
        raise UsageError(f"{spec.model}: only the preset bge-minicpm reads a layer")


def described(preset: Preset) -> dict[str, Any]:
    """What a record holds of a recipe."""
    return {
        "prompt": "|".join(preset.segments),
        "prompt_from": preset.origin,
        "score": _score(preset),
        "truncation": "end of the document; query beyond 75% of the length",
    }


def _score(preset: Preset) -> str:
    match preset.head:
        case "label":
            return "logit of the label at the last token"
        case "layer":
            return f"logit of layer {preset.layer or '(last)'} at the last token"
    *no, yes = (json.dumps(answer, ensure_ascii=False) for answer in preset.answers)
    return f"logit({yes})" + "".join(f" - logit({each})" for each in no)
