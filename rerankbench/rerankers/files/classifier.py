"""A classifier's files in one description: what is read of a pair, and which label is scored."""

from __future__ import annotations

from dataclasses import dataclass

from rerankbench.rerankers.files import activations, labels, modules_file, pair_reading
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.labels import Label
from rerankbench.rerankers.files.pair_reading import PairReading
from rerankbench.rerankers.recipe import ClassifierRecipe
from rerankbench.types import Json

# transformers' decoders whose classifiers read the last token instead of the first.
LAST_TOKEN_DECODERS = frozenset(
    {"gemma", "gemma2", "gemma3_text", "llama", "minicpm", "mistral", "phi3", "qwen2", "qwen3"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """One label's score of a pair. `cautions` are for a person to read."""

    label: Label
    reading: PairReading | None
    prompt: str
    cautions: tuple[str, ...]

    def as_recipe(self) -> dict[str, Json]:
        """What a record holds of it, beside the score's formula."""
        fields: dict[str, Json] = dict(self.label.as_recipe())
        if self.prompt:
            fields["query_prompt"] = self.prompt
        if self.reading is not None and self.reading.lower_case:
            fields["lower_case"] = True
        if self.reading is not None and self.reading.truncation_side == "left":
            fields["truncation_side"] = "left"
        return fields


def describe(checkpoint: Checkpoint, recipe: ClassifierRecipe) -> Classifier:
    """The description, after a recipe, then after the files.

    Raises ModelError for what the files say and nothing here does, UsageError for a label that
    there is not.
    """
    reading = pair_reading.read(checkpoint)
    label = labels.of(checkpoint.config, recipe.label, model=checkpoint.name)
    saved = (reading and reading.prompt) or ""
    remarks = (label.caution, *cautions(checkpoint, label.count))
    return Classifier(
        label=label,
        reading=reading,
        prompt=saved if recipe.query_prompt is None else recipe.query_prompt,
        cautions=tuple(remark for remark in remarks if remark is not None),
    )


def cautions(checkpoint: Checkpoint, label_count: int) -> tuple[str, ...]:
    """Cautions about an activation, and about settings that nothing reads. Raises ModelError."""
    settings = modules_file.settings(checkpoint.folder)
    listed = (checkpoint.folder / modules_file.LIST).is_file()
    dotted = activations.saved(settings if listed else {}, checkpoint.config)
    remarks = [activations.caution(checkpoint.name, dotted, labels=label_count)]
    if not listed and settings.get("default_prompt_name") is not None:
        remarks.append(
            f"its {modules_file.SETTINGS} names a default prompt, which is not used: without "
            f"{modules_file.LIST} sentence-transformers does not read it either"
        )
    return tuple(remark for remark in remarks if remark is not None)
