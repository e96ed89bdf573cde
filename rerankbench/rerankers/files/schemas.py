"""What the values of a checkpoint's JSON files must be, before anything reads them.

Only keys that this project reads are here; all others are transformers' own to judge. A null
counts as a key that is left out, as far as a schema says that its file knows no other nulls.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rerankbench.errors import ModelError
from rerankbench.files.explain import mistakes

# Wide enough for anything that was ever trained; beyond, sizes would be allocated or waited for.
Size = Annotated[int, Field(ge=1, le=10**8)]
Layers = Annotated[int, Field(ge=1, le=1000)]
Labels = Annotated[int, Field(ge=1, le=10**5)]
TokenId = Annotated[int, Field(ge=0, le=2**31 - 1)]
# "No token", in configurations of the first Llamas.
OptionalTokenId = Annotated[int, Field(ge=-1, le=2**31 - 1)]
Positions = Annotated[int, Field(ge=-1, le=10**8)]
# transformers writes 10**30 where a tokeniser knows no limit.
Length = Annotated[int | float, Field(gt=0, le=1e31)]
Text = Annotated[str, Field(max_length=100_000)]
Name = Annotated[str, Field(min_length=1, max_length=1000)]
# What every file system takes for a name.
FileName = Annotated[str, Field(max_length=250)]
Side = Literal["left", "right"]
Anything = dict[str, Any]


class Schema(BaseModel):
    """Values are of their type as they stand: no text becomes a number, no number a flag."""

    model_config = ConfigDict(
        strict=True, extra="ignore", allow_inf_nan=False, protected_namespaces=()
    )
    keeps_nulls: ClassVar[bool] = False


class SavedActivation(Schema):
    """What config.json says under `sentence_transformers`."""

    activation_fn: Name | None = None


class ConfigFile(Schema):
    """`config.json` of transformers."""

    architectures: list[Name] | None = None
    model_type: Name | None = None
    id2label: dict[str, str | int | float | bool | None] | None = None
    label2id: dict[str, int | str] | None = None
    num_labels: Labels | None = None
    problem_type: Name | None = None
    max_position_embeddings: Positions | None = None
    pad_token_id: OptionalTokenId | None = None
    vocab_size: Size | None = None
    # Some models have sizes of their own in each layer.
    hidden_size: Size | list[Size] | None = None
    dim: Size | list[Size] | None = None
    d_model: Size | list[Size] | None = None
    embedding_size: Size | None = None
    intermediate_size: Size | list[Size] | None = None
    num_attention_heads: Size | list[Size] | None = None
    num_hidden_layers: Layers | None = None
    num_layers: Layers | None = None
    n_layers: Layers | None = None
    n_layer: Layers | None = None
    hidden_act: Name | None = None
    position_embedding_type: Name | None = None
    is_decoder: bool | None = None
    is_encoder_decoder: bool | None = None
    is_causal: bool | None = None
    auto_map: Anything | None = None
    name_or_path: Text | None = Field(default=None, alias="_name_or_path")
    sentence_transformers: SavedActivation | None = None
    sbert_ce_default_activation_function: Name | None = None
    decoder_start_token_id: TokenId | None = None
    transformers_weights: FileName | None = None


class NamedTemplate(Schema):
    """One of several chat templates."""

    name: Name
    template: Text


class Token(Schema):
    """A special token with its settings."""

    content: Text


class TokenizerConfigFile(Schema):
    """`tokenizer_config.json` of transformers."""

    model_max_length: Length | None = None
    chat_template: Text | list[NamedTemplate] | None = None
    truncation_side: Side | None = None
    padding_side: Side | None = None
    model_input_names: list[Name] | None = None
    bos_token: Text | Token | None = None
    eos_token: Text | Token | None = None
    unk_token: Text | Token | None = None
    sep_token: Text | Token | None = None
    pad_token: Text | Token | None = None
    cls_token: Text | Token | None = None
    mask_token: Text | Token | None = None


class ListedModule(Schema):
    """An entry of `modules.json`."""

    type: Name
    path: FileName


class Modality(Schema):
    """How one kind of input is read."""

    method: Name = "forward"
    method_output_name: Name | list[Name] | None = None
    format: Name | None = None


class ExpansionSettings(Schema):
    """How queries are filled up."""

    strategy: Name
    length: Annotated[int, Field(ge=1, le=10**6)]
    attend: bool | None = None
    token: Text | None = None


class Processing(Schema):
    """How the tokeniser is called, by kind of input."""

    common: Anything | None = None
    text: Anything | None = None
    chat_template: Anything | None = None


_Counted = Annotated[int, Field(ge=1, le=10**8)]


class TransformerFile(Schema):
    """`sentence_bert_config.json` of sentence-transformers."""

    keeps_nulls: ClassVar[bool] = True
    transformer_task: Name | None = None
    modality_config: dict[str, Modality] | None = None
    module_output_name: Name | None = None
    processing_kwargs: Processing | None = None
    unpad_inputs: bool | None = None
    max_seq_length: _Counted | None = None
    do_lower_case: bool | None = None
    query_length: _Counted | None = None
    document_length: _Counted | None = None
    query_expansion: ExpansionSettings | None = None
    model_args: Anything | None = None
    model_kwargs: Anything | None = None
    tokenizer_args: Anything | None = None
    processor_kwargs: Anything | None = None
    config_args: Anything | None = None
    config_kwargs: Anything | None = None
    tokenizer_name_or_path: Text | None = None


class SettingsFile(Schema):
    """`config_sentence_transformers.json` of sentence-transformers, and PyLate's."""

    keeps_nulls: ClassVar[bool] = True
    model_type: Name | None = None
    prompts: dict[str, Text | None] | None = None
    default_prompt_name: Text | None = None
    similarity_fn_name: Name | None = None
    truncate_dim: _Counted | None = None
    activation_fn: Name | None = None
    keep_in_fp32_modules: list[Name] | None = None
    query_length: _Counted | None = None
    document_length: _Counted | None = None
    query_expansion: ExpansionSettings | None = None
    do_query_expansion: bool | None = None
    attend_to_expansion_tokens: bool | None = None
    attend_to_mask_tokens: bool | None = None
    query_prefix: Text | None = None
    document_prefix: Text | None = None
    skiplist_words: list[Text] | None = None


class ModuleFile(Schema):
    """`config.json` of a module after the transformer, of whatever kind."""

    pooling_mode: Name | list[Name] | None = None
    pooling_mode_cls_token: bool | None = None
    pooling_mode_max_tokens: bool | None = None
    pooling_mode_mean_tokens: bool | None = None
    pooling_mode_mean_sqrt_len_tokens: bool | None = None
    pooling_mode_weightedmean_tokens: bool | None = None
    pooling_mode_lasttoken: bool | None = None
    include_prompt: bool | None = None
    in_features: Size | None = None
    out_features: Size | None = None
    dimension: Size | None = None
    bias: bool | None = None
    use_residual: bool | None = None
    activation_function: Name | None = None
    module_input_name: Name | None = None
    module_output_name: Name | None = None
    skiplist_words: list[Text] | None = None
    skiplist_tasks: Name | list[Name] | None = None
    keep_only_token_ids: list[TokenId] | None = None
    true_token_id: TokenId | None = None
    false_token_id: TokenId | None = None


class ColbertFile(Schema):
    """`artifact.metadata` of Stanford's ColBERT."""

    query_token_id: Text | None = None
    doc_token_id: Text | None = None
    query_maxlen: _Counted | None = None
    doc_maxlen: _Counted | None = None
    attend_to_mask_tokens: bool | None = None
    mask_punctuation: bool | None = None


def checked(path: Path, schema: type[Schema], values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values as they stand, of the types that the schema names. Raises ModelError."""
    try:
        schema.model_validate(dict(values))
    except ValidationError as error:
        raise ModelError(
            f"{path}: {mistakes(error, schema)[0]}; mend it, or fetch the model again"
        ) from None
    except RecursionError:
        raise ModelError(f"{path}: is nested too deeply; fetch the model again") from None
    if schema.keeps_nulls:
        return values
    return {key: value for key, value in values.items() if value is not None}
