"""By which recipe a prompted model is read: what a config says, or what the files tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, get_args

from pydantic import Field

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.files import labels, pair_reading
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.labels import Label
from rerankbench.rerankers.files.pair_reading import PairReading
from rerankbench.rerankers.prompted import chat_template
from rerankbench.rerankers.prompted.presets import CAUSAL, SEQ2SEQ, Head, Preset
from rerankbench.rerankers.recipe import LabelName, Recipe, Texts, one_of

# Qwen3-Reranker's own limit; models of this form can read more than a machine can hold.
_CHAT_MAX_LENGTH = 8192


class PromptRecipe(Recipe):
    """A prompt, and what in the answer to it is the score."""

    preset: str | None = None
    instruction: str | None = Field(None, description="what the model is told to look for")
    template: Texts | None = Field(
        None, description="the prompt's parts; holds `{query}` and `{document}`"
    )
    answers: Texts | None = Field(None, description="the token that is the score, or no and yes")
    head: str | None = None
    layer: int | None = Field(None, description="the layer that is read, of `bge-minicpm`")
    label: LabelName | None = Field(None, description="the label that is scored, of a classifier")


class CausalRecipe(PromptRecipe):
    """A decoder's."""

    preset: Annotated[str | None, one_of(CAUSAL)] = Field(
        None, description=f"a published prompt and its answers: {', '.join(CAUSAL)}"
    )
    head: Annotated[str | None, one_of(get_args(Head))] = Field(
        None, description=f"what the score is read from: {', '.join(get_args(Head))}"
    )


class Seq2SeqRecipe(PromptRecipe):
    """An encoder–decoder's."""

    preset: Annotated[str | None, one_of(SEQ2SEQ)] = Field(
        None, description=f"a published prompt and its answers: {', '.join(SEQ2SEQ)}"
    )
    head: Annotated[str | None, one_of(["answers"])] = Field(
        None, description="what the score is read from: answers"
    )


def resolve(
    checkpoint: Checkpoint,
    spec: RerankerSpec,
    recipe: PromptRecipe,
    presets: Mapping[str, Preset],
) -> Preset:
    """The recipe, with the instruction in its place. Raises ModelError, UsageError.

    What a config names comes first, then what sentence-transformers saved, then what the model's
    name suggests.
    """
    if recipe.preset is None:
        preset = _told_by_files(checkpoint, presets, recipe)
    else:
        preset = replace(presets[recipe.preset], origin=f"preset {recipe.preset}")
    if preset is None:
        if recipe.template is None:
            raise ModelError(
                f"{checkpoint.name}: nothing tells its prompt; name a preset in a config, "
                f"{{model: {spec.model}, recipe: {{preset: …}}}}, of {', '.join(presets)}; "
                "or give a template"
            )
        preset = Preset(named="", segments=(), max_length=512)
    if checkpoint.is_classifier:
        preset = replace(preset, head="label", answers=())
    return _changed(preset, recipe, spec)


def label_of(
    checkpoint: Checkpoint, spec: RerankerSpec, recipe: PromptRecipe, preset: Preset
) -> Label | None:
    """The label that is scored; None for a head without labels. Raises ModelError, UsageError."""
    if preset.head == "label":
        return labels.of(checkpoint.config, recipe.label, model=checkpoint.name)
    if recipe.label is not None:
        raise UsageError(f"{spec.model}: a 'label' is a classifier's; this one has answers")
    return None


def _told_by_files(
    checkpoint: Checkpoint, presets: Mapping[str, Preset], recipe: PromptRecipe
) -> Preset | None:
    """From sentence-transformers' files, else from the checkpoint's names."""
    reading = pair_reading.read(checkpoint)
    if reading is not None:
        return _saved(checkpoint, reading, recipe)
    for name, preset in presets.items():
        if any(map(preset.fits, checkpoint.names)):
            return replace(preset, origin=f"preset {name}")
    return None


def _saved(checkpoint: Checkpoint, reading: PairReading, recipe: PromptRecipe) -> Preset:
    ids = checkpoint.logit_score
    if reading.task != ("sequence-classification" if ids is None else "text-generation"):
        raise ModelError(
            f"{checkpoint.name}: sentence-transformers saved it for {reading.task}, which writes "
            "no score; name a preset or a template in the recipe"
        )
    instruction = reading.prompt if recipe.instruction is None else recipe.instruction
    no, yes = (None, None) if ids is None else (ids.get("false_token_id"), ids["true_token_id"])
    preset = Preset(
        named="",
        segments=(),
        answers=tuple(answer for answer in (no, yes) if answer is not None),
        head="answers" if ids is not None else "label",
        max_length=reading.max_length or _CHAT_MAX_LENGTH,
        instruction=instruction or None,
        saved=True,
    )
    if recipe.template is not None:
        return preset
    if reading.chat is None:
        return replace(preset, as_pair=True, origin="tokeniser's pair")
    # An instruction is the conversation's system message; no place for it is left.
    rendered_pair = chat_template.rendered(checkpoint, reading.chat, preset.instruction)
    return replace(
        preset, segments=(rendered_pair.text,), strips=rendered_pair.strips, origin="chat template"
    )


def _changed(preset: Preset, recipe: PromptRecipe, spec: RerankerSpec) -> Preset:
    changes: dict[str, Any] = recipe.model_dump(
        include={"instruction", "head", "layer"}, exclude_none=True
    )
    if recipe.template is not None:
        changes |= {"segments": recipe.template, "free": (), "origin": "config"}
        changes |= {"as_pair": False, "strips": False}
    if recipe.answers is not None:
        changes = {"head": "answers"} | changes | {"answers": recipe.answers}
    preset = replace(preset, **changes)
    _check(preset, recipe, spec)
    form = "" if preset.instruction is None else preset.instruction_form
    instruction = form.replace("{instruction}", preset.instruction or "")
    return replace(
        preset, segments=tuple(s.replace("{instruction}", instruction) for s in preset.segments)
    )


def _check(preset: Preset, recipe: PromptRecipe, spec: RerankerSpec) -> None:
    if preset.head == "answers" and len(preset.answers) not in (1, 2):
        raise UsageError(f"{spec.model}: the recipe needs one answer, or two: [no, yes]")
    if preset.layer is not None and preset.head != "layer":
        raise UsageError(f"{spec.model}: only the preset bge-minicpm reads a layer")
    if not preset.as_pair:
        _check_places(preset, recipe, spec)


def _check_places(preset: Preset, recipe: PromptRecipe, spec: RerankerSpec) -> None:
    whole = "".join(preset.segments)
    for field in ("query", "document"):
        if whole.count(f"{{{field}}}") != 1:
            raise UsageError(f"{spec.model}: the recipe's template must hold {{{field}}} once")
        if f"{{{field}}}" in (recipe.instruction or ""):
            raise UsageError(f"{spec.model}: an instruction cannot hold {{{field}}}")
    fixed = preset.instruction is not None and preset.instruction in whole
    if recipe.instruction is not None and "{instruction}" not in whole and not fixed:
        raise UsageError(f"{spec.model}: its prompt has no place for an instruction")


def described(preset: Preset, label: Label | None) -> dict[str, Any]:
    """The recipe's entry in a record."""
    prompt = "|".join(preset.segments)
    if preset.as_pair:
        prompt = f"{preset.instruction or ''}{{query}}|{{document}}"
    fields: dict[str, Any] = {
        "prompt": prompt,
        "prompt_from": preset.origin,
        "score": _score(preset, label),
        "truncation": "end of the document; query beyond 75% of the length",
    }
    # Only where they say something: keys of records without them stay what they were.
    fields |= {} if label is None else label.as_recipe()
    if preset.strips:
        fields["strips"] = True
    return fields


def _score(preset: Preset, label: Label | None) -> str:
    match preset.head:
        case "label":
            several = label is not None and label.count > 1
            return (
                f"{label.score if several and label else 'logit of the label'} at the last token"
            )
        case "layer":
            return f"logit of layer {preset.layer or '(last)'} at the last token"
    *no, yes = (json.dumps(answer, ensure_ascii=False) for answer in preset.answers)
    return f"logit({yes})" + "".join(f" - logit({token})" for token in no)
