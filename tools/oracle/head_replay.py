# SPDX-License-Identifier: Apache-2.0
"""The cache of one KV head, step by step (ALGORITHM 1-7; FORMAT, Stage streams)."""
import math
import struct
from typing import Dict, List, Optional, Sequence

from attention import (
    ChunkResult, QuantizedQuery, attend_quantized, attend_unquantized, exact_scores, importance, merge,
    merge_chunks, quantize_query)
from constants import BITS, CHUNK, ContractError, MASK64, STAGES, Vector
from container import Config, Trace
from fp32 import LOG2E, div, fl32, mul
from policies import budget, pool, random_key, rank, recent_budget
from quantizer import Quantized, balancer, dequantize, pack_codes, quantize


class Token:
    """A token of a tier: key and value are lists of fp32 (unquantized) or Quantized."""

    def __init__(self, position: int, key: object, value: object, score: int = 0) -> None:
        self.position = position
        self.key = key
        self.value = value
        self.score = score


class HeadReplay:
    """Replays one layer and KV head (steps 1 to 7) and collects its stage streams."""

    def __init__(self, trace: Trace, config: Config, layer: int, kv_head: int) -> None:
        self.trace = trace
        self.config = config
        group = trace.query_heads // trace.kv_heads
        self.queries = trace.tensors[f"layers.{layer}.q"][group * kv_head:group * (kv_head + 1)]
        self.keys = trace.tensors[f"layers.{layer}.k"][kv_head]
        self.values = trace.tensors[f"layers.{layer}.v"][kv_head]
        self.scale2 = fl32(trace.softmax_scale * LOG2E)  # R13
        self.random_key = random_key(config.seed, layer, kv_head)
        self.importance_bits = BITS.get(config.importance_format)
        self.retained_bits = BITS.get(config.retained_format)
        self.factors: Optional[List[float]] = None
        self.importance: List[Optional[Token]] = []  # by slot (R20)
        self.free_slot: Optional[int] = None
        self.retained: List[Token] = []
        self.future_scores: List[int] = []
        self.saturated_groups = 0
        self.streams: Dict[str, bytearray] = {stage: bytearray() for stage in STAGES}

    def emit(self, stage: str, code: str, values: Sequence) -> None:
        self.streams[stage] += struct.pack(f"<{len(values)}{code}", *values)

    def rank_of(self, score: int, position: int, seen: int) -> int:
        return rank(self.config.policy, score, position, seen, self.random_key)

    def balanced_key(self, key: Vector) -> List[float]:
        """R9a, step 6."""
        if self.factors is None:
            return list(key)
        balanced = [mul(x, b) for x, b in zip(key, self.factors)]
        if not all(map(math.isfinite, balanced)):
            raise ContractError("balanced key is not finite")  # R5
        return balanced

    def balanced_query(self, query: Vector) -> List[float]:
        """R9a, step 6."""
        if self.factors is None:
            return list(query)
        balanced = [div(x, b) for x, b in zip(query, self.factors)]
        if not all(map(math.isfinite, balanced)):
            raise ContractError("balanced query is not finite")  # R5
        return balanced

    def store_quantized(self, token: Token, key: Vector, value: Vector, bits: int) -> None:
        """Stores a balanced key and a value in intN; both enter the streams."""
        token.key = quantize(key, bits, self.config.group_size)
        token.value = quantize(value, bits, self.config.group_size)
        for stored in (token.key, token.value):
            self.emit("alpha", "H", stored.alpha_halves)
            self.emit("beta", "H", stored.beta_halves)
            self.streams["codes"] += pack_codes(stored.codes, bits)
            self.saturated_groups += stored.saturated

    def store_important(self, position: int, score: int) -> Token:
        token = Token(position, self.keys[position], self.values[position], score)
        if self.importance_bits:
            self.store_quantized(token, self.balanced_key(token.key), token.value, self.importance_bits)
        return token

    def store_retained(self, token: Token) -> None:
        """Steps 5 to 8: requantizes what is stored and appends it to the retained tier; none drops it."""
        if not self.retained_bits:
            return
        if isinstance(token.key, Quantized):
            key, value = dequantize(token.key), dequantize(token.value)  # the key stays balanced (R9a)
        else:
            key, value = self.balanced_key(token.key), token.value
        self.store_quantized(token, key, value, self.retained_bits)
        self.retained.append(token)

    def prompt_scores(self) -> List[int]:
        """Steps 3 and 9: the scores that tiers are formed from."""
        prompt, policy = self.trace.prompt, self.config.policy
        if policy in ("recent_sinks", "random"):
            return [0] * prompt
        if policy == "oracle":
            return exact_scores(self.queries, self.keys, range(self.trace.tokens), self.scale2)
        first = max(0, prompt - 32) if policy == "snapkv" else 0
        scores = exact_scores(self.queries, self.keys[:prompt], range(first, prompt), self.scale2)
        return pool(scores) if policy == "snapkv" else scores

    def importance_set(self, scores: Sequence[int]) -> List[int]:
        """Step 4, R19: the important positions of the prompt, ascending."""
        prompt = self.trace.prompt
        n_hi = budget(self.config, prompt)
        n_recent = recent_budget(self.config, n_hi)
        others = sorted(range(prompt - n_recent), key=lambda j: (-self.rank_of(scores[j], j, prompt), j))
        return sorted(others[:n_hi - n_recent] + list(range(prompt - n_recent, prompt)))

    def prefill(self) -> None:
        """Steps 1 to 4."""
        prompt = self.trace.prompt
        if self.config.balancer:
            rows = (row for head in self.queries for row in head[:prompt])
            self.factors = balancer(rows, self.keys[:prompt], self.trace.head_dim)
            self.emit("balancer", "f", self.factors)
        scores = self.prompt_scores()
        self.future_scores = scores if self.config.policy == "oracle" else []
        self.emit("importance_scores", "Q", scores)
        important = self.importance_set(scores)
        self.emit("importance_set", "I", important)
        self.importance = [self.store_important(position, scores[position]) for position in important]
        for position in sorted(set(range(prompt)) - set(important)):
            self.store_retained(Token(position, self.keys[position], self.values[position]))

    def append(self, position: int) -> None:
        """Step 7a, R20."""
        score = self.future_scores[position] if self.future_scores else 0
        token = self.store_important(position, score)
        if self.free_slot is None:
            self.importance.append(token)
        else:
            self.importance[self.free_slot] = token
            self.free_slot = None

    def attend_tier(
        self, slots: Sequence[Optional[Token]], quantized: bool, plain: Vector, query: QuantizedQuery
    ) -> List[Optional[ChunkResult]]:
        """R13: one result for each chunk; None where no slot is taken."""
        results: List[Optional[ChunkResult]] = []
        for first in range(0, len(slots), CHUNK):
            chunk = slots[first:first + CHUNK]
            keys = [None if token is None else token.key for token in chunk]
            values = [None if token is None else token.value for token in chunk]
            if all(token is None for token in chunk):
                results.append(None)
            elif quantized:
                results.append(attend_quantized(query, keys, values, self.scale2))
            else:
                results.append(attend_unquantized(plain, keys, values, self.scale2, self.trace.head_dim))
        return results

    def attend(self, query: Vector) -> List[int]:
        """Step 7b for one query head. Returns the weight of each importance slot (R18)."""
        stores_quantized = self.importance_bits is not None or self.retained_bits is not None
        quantized_query = quantize_query(self.balanced_query(query) if stores_quantized else query)
        retained = self.attend_tier(self.retained, True, query, quantized_query)
        important = self.attend_tier(
            self.importance, self.importance_bits is not None, query, quantized_query
        )
        partials = [
            [None if result is None else result.partial for result in tier] for tier in (retained, important)
        ]
        for partial in partials[0] + partials[1]:
            if partial is not None:
                self.emit("partials", "f", [partial.m, partial.l] + partial.o)
        root = merge(merge_chunks(partials[0]), merge_chunks(partials[1]))
        inverse_l = div(1.0, root.l)
        out = [mul(x, inverse_l) for x in root.o]
        if not all(map(math.isfinite, out)):
            raise ContractError("output is not finite")  # R5
        self.emit("output", "f", out)
        logits = [s for result in important
                  for s in (result.logits if result is not None else [None] * CHUNK)]
        return [0 if s is None else importance(s, root.m, inverse_l) for s in logits]

    def demote(self, seen: int) -> None:
        """Step 7d, R19, R20."""
        n_hi = budget(self.config, seen)
        n_recent = recent_budget(self.config, n_hi)
        demoted = []
        while sum(token is not None for token in self.importance) > n_hi:
            candidates = [(self.rank_of(token.score, token.position, seen), token.position, slot)
                          for slot, token in enumerate(self.importance)
                          if token is not None and token.position < seen - n_recent]
            position, slot = min(candidates)[1:]
            token = self.importance[slot]
            self.importance[slot] = None
            self.free_slot = slot
            self.store_retained(token)
            demoted.append(position)
        self.emit("importance_set", "I", demoted)

    def step(self, position: int) -> None:
        """Step 7 for the token at this position."""
        self.append(position)
        weights = [self.attend(head[position]) for head in self.queries]
        for slot, token in enumerate(self.importance):
            if token is not None and self.config.policy in ("h2o", "h2o_mean"):
                token.score = (token.score + sum(row[slot] for row in weights)) & MASK64
        self.emit("importance_scores", "Q", [token.score for token in self.importance if token is not None])
        self.demote(position + 1)

    def run(self) -> None:
        self.prefill()
        for position in range(self.trace.prompt, self.trace.tokens):
            self.step(position)
