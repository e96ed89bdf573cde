"""Loads tokenisers and weights of transformers, with one-line errors."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers import planned_size, unread_weights, vocabulary
from rerankbench.rerankers.checkpoint_factory import LoadableModel
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.pair_reading import PairReading
from rerankbench.rerankers.host_memory import keep_freed_memory
from rerankbench.types import EngineRef

if TYPE_CHECKING:
    import torch


def ready(engine: EngineRef) -> torch.device:
    """The engine's device, with threads and memory set up for it. Raises UsageError."""
    import torch
    from transformers.utils import logging as their_logging

    their_logging.set_verbosity_error()  # type: ignore[no-untyped-call, unused-ignore]
    their_logging.disable_progress_bar()  # type: ignore[no-untyped-call, unused-ignore]
    device = _device(engine.device)
    if device.type == "cpu":
        keep_freed_memory()
    if engine.threads is not None:
        torch.set_num_threads(engine.threads)
    return device


@contextmanager
def quiet() -> Iterator[None]:
    """Keep messages of libraries that read a model's files off the screen.

    They complain about settings that they do not know; this project reports what matters.
    """
    names = ("transformers", "huggingface_hub", "tokenizers", "sentence_transformers")
    before = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def _no_output(number: int) -> Iterator[None]:
    """Nothing is written to standard output (1) or the standard error (2), past Python's streams.

    The tokenizers library prints of settings that it does not know, and where it panics.
    """
    try:
        kept = os.dup(number)
    except OSError:  # The process has none.
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), number)
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)


def tokenizer(loadable: LoadableModel[Any], reading: PairReading | None = None) -> Any:
    """The fast tokeniser, made to read as a `reading` says. Raises ModelError."""
    from transformers import AutoTokenizer

    checkpoint, spec = loadable.checkpoint, loadable.spec
    try:
        with quiet(), _no_output(1), _no_output(2):
            tokeniser = AutoTokenizer.from_pretrained(checkpoint.transformer, **_common(spec))
            # A vocabulary without a token for what it lacks fails here, and not in a long run; so
            # does a template of pairs that names a token which is nowhere.
            tokeniser(vocabulary.PROBE, verbose=False)
            if tokeniser.is_fast:
                tokeniser(vocabulary.PROBE, vocabulary.PROBE, verbose=False)
    except BaseException as error:
        # tokenizers raises plain Exceptions, and panics, which are none.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise _unloadable(checkpoint, error) from error
    if not getattr(tokeniser, "is_fast", False):
        raise ModelError(f"{checkpoint.name}: has no fast tokeniser; save one as tokenizer.json")
    planned_size.check_vocabulary(checkpoint)
    vocabulary.check(tokeniser, checkpoint.config, checkpoint.name)
    if reading is not None and reading.lower_case:
        lower_case(tokeniser)
    if reading is not None and reading.truncation_side is not None:
        tokeniser.truncation_side = reading.truncation_side
    return tokeniser


def lower_case(tokenizer: Any) -> None:
    """Make a tokeniser read all letters as small ones."""
    from tokenizers.normalizers import Lowercase, Sequence

    backend = tokenizer.backend_tokenizer
    before = [] if backend.normalizer is None else [backend.normalizer]
    # Once more does no harm where the tokeniser does it itself.
    backend.normalizer = Sequence([Lowercase(), *before])


def about(checkpoint: Checkpoint, tokeniser: Any) -> Mapping[str, str]:
    """Additional facts for `doctor`: labels and tokeniser."""
    found = {}
    if checkpoint.architecture.endswith("ForSequenceClassification"):
        names = (checkpoint.config.get("id2label") or {}).values()
        found["labels"] = ", ".join(map(str, names)) or str(checkpoint.label_count)
    kind, side = type(tokeniser).__name__, tokeniser.padding_side
    found["tokeniser"] = f"{kind}, {len(tokeniser):,} tokens; pads on the {side} by itself"
    return found


def model(
    loadable: LoadableModel[Any],
    class_name: str,
    *,
    trained_as: str,
    dtype: str | None = None,
    may_lack: tuple[str, ...] = (),
    reading: PairReading | None = None,
    notes: list[str] | None = None,
) -> Any:
    """A model of that class of transformers, on the CPU, in evaluation mode. Raises ModelError.

    Its dtype is the one that its record names, unless another is given.
    Weights that the checkpoint lacks would be random: they are refused, unless their names begin
    as `may_lack` says. So are weights of its layers that the class has no place for; of others
    `notes` is told. Layers that a `reading` names compute in float32.
    """
    import torch
    import transformers

    checkpoint, spec = loadable.checkpoint, loadable.spec
    try:
        with quiet():
            kind = getattr(transformers, class_name)
            if not spec.trust_remote_code:
                planned_size.check(checkpoint, kind)
            found, loading = kind.from_pretrained(
                checkpoint.transformer,
                dtype=getattr(torch, dtype or str(loadable.ref.dtype)),
                use_safetensors=True,
                output_loading_info=True,
                # Refused below, with what does not fit.
                ignore_mismatched_sizes=True,
                **_common(spec),
            )
    except ModelError:
        raise
    except Exception as error:  # safetensors raises plain Exceptions
        _check_own_code(checkpoint, spec, class_name)
        raise _unloadable(checkpoint, error) from error
    _check_shapes(checkpoint, loading["mismatched_keys"])
    missing = sorted(name for name in loading["missing_keys"] if not name.startswith(may_lack))
    if missing:
        _check_own_code(checkpoint, spec, class_name)
        raise ModelError(
            f"{checkpoint.name}: {len(missing)} weights are missing, such as {missing[0]}, and "
            f"would be random; name a checkpoint that was trained as {trained_as}"
        )
    said = unread_weights.check(checkpoint.name, found, loading["unexpected_keys"])
    if said is not None and notes is not None:
        notes.append(said)
    if reading is not None:
        _keep_in_float32(checkpoint, found, reading.float32)
    return found.eval()


def _check_shapes(checkpoint: Checkpoint, mismatched: Iterable[tuple[str, Any, Any]]) -> None:
    """Refuse weights of other sizes than config.json says. Raises ModelError."""
    for name, held, described in sorted(mismatched):
        raise ModelError(
            f"{checkpoint.name}: its weight {name:.80} is {_shape(held)}, and its config.json "
            f"describes {_shape(described)}; mend that (num_labels, sizes), or fetch the model "
            "again"
        )


def _shape(sizes: Iterable[int]) -> str:
    return " × ".join(map(str, sizes))


def _keep_in_float32(checkpoint: Checkpoint, model: Any, names: tuple[str, ...]) -> None:
    """Let linear layers compute in float32 in a model of another dtype.

    Names are those of sentence-transformers, `0.model.` being the transformer; what comes after
    it is in float32 anyway.
    """
    import torch
    from torch.nn import functional

    linear = [each for each in model.modules() if isinstance(each, torch.nn.Linear)]
    for name in names:
        if not name.startswith("0."):
            continue
        layer: Any = None
        with suppress(AttributeError):
            layer = model.get_submodule(name.removeprefix("0.model."))
        if not isinstance(layer, torch.nn.Linear):
            raise ModelError(
                f"{checkpoint.name}: keep_in_fp32_modules names {name:.80}, which is no linear "
                "layer of its transformer; mend its config_sentence_transformers.json"
            )

        def forward(x: Any, layer: Any = layer, last: bool = layer is linear[-1]) -> Any:
            bias = None if layer.bias is None else layer.bias.float()
            found = functional.linear(x.float(), layer.weight.float(), bias)
            # What follows another layer than the last is in the model's own dtype.
            return found if last else found.to(x.dtype)

        layer.forward = forward  # type: ignore[method-assign, assignment]


def _check_own_code(checkpoint: Checkpoint, spec: RerankerSpec, class_name: str) -> None:
    """Say what is needed where a model that brings code was loaded without it."""
    code = (checkpoint.config.get("auto_map") or {}).get(class_name)
    if code and not spec.trust_remote_code:
        raise ModelError(
            f"{checkpoint.name}: needs its own code ({code!s:.60}); read it, then name the "
            "model in a config with 'trust_remote_code: true' and its revision"
        )


def _common(spec: RerankerSpec) -> dict[str, Any]:
    return {"trust_remote_code": spec.trust_remote_code, "local_files_only": True}


def _unloadable(checkpoint: Checkpoint, error: BaseException) -> ModelError:
    import transformers

    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    kind = checkpoint.config.get("model_type")
    if isinstance(kind, str) and kind not in transformers.CONFIG_MAPPING:
        return ModelError(
            f"{checkpoint.name}: its architecture ({kind:.60}) is none of transformers "
            f"{transformers.__version__}'s; name a model that this release knows"
        )
    return ModelError(
        f"{checkpoint.name}: cannot be loaded ({reason:.150}); save it again with "
        "save_pretrained(folder), or fetch it again"
    )


def _device(name: str) -> torch.device:
    import torch

    if name.startswith("cuda"):
        if not torch.cuda.is_available():
            raise UsageError(f"device {name}: torch sees no CUDA GPU; use --device cpu")
        if torch.device(name).index not in (None, *range(torch.cuda.device_count())):
            raise UsageError(
                f"device {name}: there are {torch.cuda.device_count()} GPUs, counted from 0"
            )
    return torch.device(name)
