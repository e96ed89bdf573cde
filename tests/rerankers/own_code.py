"""Checkpoints that bring code of their own, as jina-reranker-v2 and bge's MiniCPM do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from .. import tiny
from . import language_models as lm

_CLASSIFIER = """
from transformers import BertConfig, BertForSequenceClassification


class OwnConfig(BertConfig):
    model_type = "own-bert"


class OwnForSequenceClassification(BertForSequenceClassification):
    config_class = OwnConfig

    def forward(self, *args, **kwargs):
        found = super().forward(*args, **kwargs)
        found.logits = 2 * found.logits + 1
        return found
"""

_LAYERS = """
import torch
from transformers import LlamaConfig, LlamaModel, LlamaPreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast


class LayeredConfig(LlamaConfig):
    model_type = "layered-llama"


class LayeredForCausalLM(LlamaPreTrainedModel):
    config_class = LayeredConfig

    def __init__(self, config):
        super().__init__(config)
        self.model = LlamaModel(config)
        self.heads = torch.nn.ModuleList(
            torch.nn.Linear(config.hidden_size, 1) for _ in range(config.num_hidden_layers)
        )
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, position_ids=None, use_cache=None,
                return_dict=None, cutoff_layers=None):
        states = self.model(
            input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids,
            use_cache=False, output_hidden_states=True,
        ).hidden_states
        logits = [self.heads[n - 1](states[n]).float().squeeze(-1) for n in cutoff_layers]
        return CausalLMOutputWithPast(logits=logits)
"""


def classifier(folder: Path) -> Path:
    """A BERT whose own code doubles its logits and adds one."""
    tiny.build(folder)
    code = {
        "AutoConfig": "own.OwnConfig",
        "AutoModelForSequenceClassification": "own.OwnForSequenceClassification",
    }
    (folder / "own.py").write_text(_CLASSIFIER)
    _change_config(folder, model_type="own-bert", auto_map=code)
    return folder


def layered(folder: Path) -> Path:
    """A decoder with a head for each layer; its weights are those of a plain one, and heads."""
    lm.decoder(folder, "Llama", lm.plain_tokens())
    weights = load_file(folder / "model.safetensors")
    weights.pop("lm_head.weight", None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for layer in range(3):
            weights[f"heads.{layer}.weight"] = torch.randn(1, 32)
            weights[f"heads.{layer}.bias"] = torch.randn(1)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    code = {"AutoConfig": "own.LayeredConfig", "AutoModelForCausalLM": "own.LayeredForCausalLM"}
    (folder / "own.py").write_text(_LAYERS)
    _change_config(
        folder, model_type="layered-llama", auto_map=code, architectures=["LayeredForCausalLM"]
    )
    return folder


def plain_copy(folder: Path, to: Path) -> Path:
    """The same weights without their code, as a BERT."""
    shutil.copytree(folder, to)
    (to / "own.py").unlink()
    config = json.loads((to / "config.json").read_text())
    del config["auto_map"]
    (to / "config.json").write_text(json.dumps(config | {"model_type": "bert"}))
    return to


def _change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
