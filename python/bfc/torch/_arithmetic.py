"""The operations of programs on tensors. Products and sums are rounded one by one, as everywhere in `bfc`: operations that may
round a product and a sum together have no place here.
"""

import functools
from typing import Any, Callable, Dict, List, Sequence, Tuple, Union

import torch

from .. import _bfc

Operation = Tuple[str, Any]
Value = Union[float, torch.Tensor]


def evaluate(expression: Sequence[Operation], leaf: Callable[[str, Any], Value], dtype: torch.dtype) -> Value:
    """The value of an expression in postfix form; vectors are computed in ``dtype``, numbers alone in float64.

    Args:
        expression: operations by name, each with what it names or with the number of its operands.
        leaf: the value of a register, an input or the step: a number, or a tensor of any floating-point type.
    """
    stack: List[Value] = []
    for name, detail in expression:
        if name in ("Register", "Input", "Step"):
            stack.append(leaf(name, detail))
        elif name == "Constant":
            stack.append(float(detail))
        else:
            operands = [stack.pop() for _ in range(detail)][::-1]
            stack.append(_apply(name, operands, dtype))
    return stack.pop()


def _apply(name: str, operands: List[Value], dtype: torch.dtype) -> Value:
    vector = next((operand for operand in operands if isinstance(operand, torch.Tensor)), None)
    if vector is None:
        return _bfc.apply_operation(name, [float(operand) for operand in operands])
    return _VECTORS[name](*(as_tensor(operand, dtype, vector.device) for operand in operands))


def as_tensor(value: Value, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """A tensor in the type that it is computed in. A number is rounded once, and is a tensor of its device: division by a
    number of the CPU may be a product with its inverse elsewhere.
    """
    if isinstance(value, torch.Tensor):
        return value.to(dtype)
    return torch.full((), value, dtype=torch.float64, device=device).to(dtype)


def sum_terms(total: torch.Tensor, terms: Sequence[Tuple[float, torch.Tensor]], *, adds: bool) -> None:
    """``total ← Σ weight · x``, or ``total + Σ weight · x`` where it ``adds``; term by term, in the type of ``total``, whatever
    that of the others.
    """
    if total.device.type == "cpu":
        _bfc.sum_terms(total, terms, adds)
        return
    for weight, x in terms:
        product = torch.mul(x.to(total.dtype), weight)
        total.add_(product) if adds else total.copy_(product)
        adds = True
    if not adds:
        total.zero_()


def inner_product(a: torch.Tensor, b: torch.Tensor) -> float:
    """``Σ a·b`` in float64 and in the order of `bfc`: eight sums in each block of 4,096 elements, each of every eighth product,
    and blocks joined in pairs.
    """
    products = torch.mul(a.double(), b.double())
    blocks = max(-(-products.numel() // _BLOCK), 1)
    table = torch.nn.functional.pad(products, (0, blocks * _BLOCK - products.numel())).view(blocks, -1, _LANES)
    lanes = torch.zeros(blocks, _LANES, dtype=torch.float64, device=products.device)
    for column in table.unbind(1):
        lanes.add_(column)
    sums = functools.reduce(torch.add, lanes.unbind(1))
    while len(sums) > 1:
        pairs = len(sums) // 2 * 2
        sums = torch.cat([torch.add(sums[0:pairs:2], sums[1:pairs:2]), sums[pairs:]])
    return float(sums.item())


_BLOCK, _LANES = 4096, 8


def _truth(condition: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda *operands: condition(*operands).to(operands[0].dtype)


def _exact(name: str, elsewhere: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """The bits of the other engines for tensors of the CPU; torch's results on other devices may differ in their last bit."""

    def operation(*operands: torch.Tensor) -> torch.Tensor:
        if operands[0].device.type != "cpu":
            return elsewhere(*operands)
        spread = [operand.contiguous() for operand in torch.broadcast_tensors(*operands)]
        result = torch.empty_like(spread[0])
        _bfc.apply_to_elements(name, spread, result)
        return result

    return operation


def _power(base: torch.Tensor, exponent: torch.Tensor) -> torch.Tensor:
    """A square is a product."""
    return torch.where(exponent == 2, torch.mul(base, base), torch.pow(base, exponent))


def _mod(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    rest = torch.fmod(a, b)
    return torch.where(rest < 0, torch.add(rest, b.abs()), rest)


def _div(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    a, b = torch.where(b < 0, -a, a), torch.abs(b)
    return torch.div(torch.sub(a, _mod(a, b)), b).round()


_VECTORS: Dict[str, Callable[..., torch.Tensor]] = {
    "Negate": torch.neg,
    "Not": _truth(lambda a: a == 0),
    "SquareRoot": _exact("SquareRoot", torch.sqrt),
    "Log": _exact("Log", torch.log),
    "Absolute": torch.abs,
    "Floor": torch.floor,
    "Add": torch.add,
    "Subtract": torch.sub,
    "Multiply": torch.mul,
    "Divide": torch.div,
    "Power": _exact("Power", _power),
    # The one that is a number; of equal ones the second.
    "Minimum": lambda a, b: torch.where((a < b) | (b != b), a, b),
    "Maximum": lambda a, b: torch.where((a > b) | (b != b), a, b),
    "Mod": _mod,
    "Div": _div,
    "Equal": _truth(torch.eq),
    "NotEqual": _truth(torch.ne),
    "Less": _truth(torch.lt),
    "LessEqual": _truth(torch.le),
    "Greater": _truth(torch.gt),
    "GreaterEqual": _truth(torch.ge),
    "And": _truth(lambda a, b: (a != 0) & (b != 0)),
    "Or": _truth(lambda a, b: (a != 0) | (b != 0)),
}
