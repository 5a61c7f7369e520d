"""The registers of a program as tensors: numbers, and for each bucket of the model its vectors."""

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import torch

from .. import _bfc

_TYPES = {torch.float64: "float64", torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}


def computed_in(dtype: torch.dtype) -> torch.dtype:
    """The type that numbers of this one are computed in."""
    return torch.float64 if dtype == torch.float64 else torch.float32


class Layout:
    """How tensors lie in buckets, as in every engine; a bucket is on the device of its first tensor."""

    def __init__(self, named: Mapping[str, torch.Tensor]) -> None:
        self.tensors = list(named.values())
        listed = [(name, list(tensor.shape), _name(tensor)) for name, tensor in named.items()]
        self._buckets = _bfc.Buckets(listed)
        self.buckets, self.text = self._buckets.tensors, self._buckets.text

    def codes(self, bucket: int, program: Dict[str, Any]) -> List[Optional[_bfc.Code]]:
        """For each register that holds a code of a vector of this bucket, how it is written."""
        kinds = zip(program["shapes"], program["codecs"])
        return [self._buckets.code(codec, bucket) if shape == "code" else None for shape, codec in kinds]

    def factors(self, bucket: int, program: Dict[str, Any]) -> List[Optional[_bfc.Factors]]:
        """The same for those that hold factors of its matrices."""
        kinds = zip(program["shapes"], program["codecs"])
        return [self._buckets.factors(codec, bucket) if shape == "factor per edge" else None for shape, codec in kinds]

    def devices(self) -> List[torch.device]:
        """The devices of all buckets, in one order."""
        return list(dict.fromkeys(self.tensors[bucket[0]].device for bucket in self.buckets))


class Bucket:
    """The vectors of one bucket, all zero; those per edge are lists. Codes are bytes on the device of the bucket. ``tensors`` are the
    model's tensors in it, by index.
    """

    def __init__(self, layout: Layout, number: int, program: Dict[str, Any], edges: int) -> None:
        self.tensors = layout.buckets[number]
        tensors = [layout.tensors[index] for index in self.tensors]
        self._codes, self._factors = layout.codes(number, program), layout.factors(number, program)
        self.shapes = [tensor.shape for tensor in tensors]
        self.device, self.stored = tensors[0].device, tensors[0].dtype
        self.dtype = computed_in(self.stored)
        self._sizes = [tensor.numel() for tensor in tensors]
        self.length = sum(self._sizes)
        kinds = zip(program["shapes"], program["points"])
        self.vectors = [self._zeros(shape, self.stored if point else self.dtype, edges) for shape, point in kinds]
        for register, code in enumerate(self._codes):
            if code is not None:
                self.vectors[register] = torch.zeros(code.length, dtype=torch.uint8, device=self.device)
        for register, factors in enumerate(self._factors):
            if factors is not None:
                kind = {"dtype": self.dtype, "device": self.device}
                self.vectors[register] = [torch.zeros(factors.elements, **kind) for _ in range(edges)]

    def views(self, vector: torch.Tensor) -> List[torch.Tensor]:
        """The tensors in a vector."""
        return [piece.view(shape) for piece, shape in zip(vector.split(self._sizes), self.shapes)]

    def pieces(self, vector: torch.Tensor) -> Sequence[torch.Tensor]:
        """The same, flat."""
        pieces: Sequence[torch.Tensor] = vector.split(self._sizes)
        return pieces

    def store(self, into: int, value: Any) -> Optional[torch.Tensor]:
        """Rounds a result to the type of its register; a number fills the register. A fresh tensor of this type becomes the
        register, which saves a copy; one that another register holds is copied, since registers are written in place.

        Returns:
            The tensor that is in no register afterwards: the old one, or the result.
        """
        target = self.vectors[into]
        if not isinstance(value, torch.Tensor):
            target.fill_(value)
            return None
        if any(value is held for held in self.vectors):
            target.copy_(value)
            return None
        if value.dtype == target.dtype and value.dim():
            self.vectors[into] = value
            return target
        target.copy_(value)
        return value

    def encode(self, source: int, into: int, step: int, rank: int) -> None:
        """Writes a vector as a code, in memory of the CPU."""
        code = self._codes[into]
        assert code is not None, "the register holds a code"
        vector = self.vectors[source].to("cpu", self.dtype)
        written = bytearray(code.encode(vector, step, rank))
        self.vectors[into] = torch.frombuffer(written, dtype=torch.uint8).to(self.device) if written else self.vectors[into]

    def reader(self, register: int, step: int) -> Callable[[torch.Tensor], torch.Tensor]:
        """What reads the codes of a register, after this number of steps."""
        code = self._codes[register]
        assert code is not None, "the register holds a code"

        def read(written: torch.Tensor) -> torch.Tensor:
            vector = torch.zeros(self.length, dtype=self.dtype)
            code.decode(written.cpu().numpy().tobytes(), step, vector)
            return vector.to(self.device)

        return read

    def start(self, into: int) -> None:
        """The first factors of all edges."""
        for factor in self.vectors[into]:
            here = torch.empty_like(factor, device="cpu")
            self._factors_of(into).start(here)
            factor.copy_(here)

    def project(self, source: int, factor: int, into: int) -> None:
        """For each edge the model's matrices times the factors."""
        x = self._on_host(self.vectors[source])
        for known, target in zip(self.vectors[factor], self.vectors[into]):
            here = torch.empty_like(target, device="cpu")
            self._factors_of(into).project(x, self._on_host(known), here)
            target.copy_(here)

    def difference(self, mine: int, theirs: int, into: int, is_higher: Sequence[bool]) -> None:
        """For each edge what the end with the higher rank has found less what the other has."""
        for own, other, target, higher in zip(self.vectors[mine], self.vectors[theirs], self.vectors[into], is_higher):
            here = torch.empty_like(target, device="cpu")
            self._factors_of(into).difference(higher, self._on_host(own), self._on_host(other), here)
            target.copy_(here)

    def correct(self, at: int, factor: int, difference: int, into: int, weights: Sequence[Tuple[float, float]]) -> None:
        """``into ← at`` less the weighted differences, as far as the factors contain them."""
        x = self._on_host(self.vectors[at]).clone()
        for known, found, pair in zip(self.vectors[factor], self.vectors[difference], weights):
            weight = pair[self.dtype == torch.float64]
            self._factors_of(factor).correct(weight, self._on_host(known), self._on_host(found), x)
        self.vectors[into].copy_(x)

    def _factors_of(self, register: int) -> _bfc.Factors:
        factors = self._factors[register]
        assert factors is not None, "the register holds factors"
        return factors

    def _on_host(self, vector: torch.Tensor) -> torch.Tensor:
        return vector.to("cpu", self.dtype)

    def _zeros(self, shape: str, dtype: torch.dtype, edges: int) -> Any:
        count = {"vector": 1, "vector per edge": edges}.get(shape, 0)
        made = [torch.zeros(self.length, dtype=dtype, device=self.device) for _ in range(count)]
        return made[0] if shape == "vector" else made


class Registers:
    """All registers, by index."""

    def __init__(self, layout: Layout, program: Dict[str, Any], edges: int) -> None:
        shapes = program["shapes"]
        self.numbers: List[Any] = [[0.0] * edges if shape == "scalar per edge" else 0.0 for shape in shapes]
        self.buckets = [Bucket(layout, number, program, edges) for number in range(len(layout.buckets))]

    def swap(self, a: int, b: int) -> None:
        """Exchanges the contents of two registers."""
        for held in [self.numbers, *(bucket.vectors for bucket in self.buckets)]:
            held[a], held[b] = held[b], held[a]


def _name(tensor: torch.Tensor) -> str:
    if tensor.dtype not in _TYPES:
        expected = "expected float32, float64, bfloat16 or float16"
        raise _bfc.wrong_value("torch.Decentralized", "model", f"a tensor of {tensor.dtype}", expected)
    return _TYPES[tensor.dtype]
