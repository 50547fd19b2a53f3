"""Number formats bit by bit: floats of a sign, an exponent and a fraction, and whole numbers in two's complement.

Bits are strings such as "0100", the highest bit first. Everything is worked out from the layout alone, in Python's own
numbers, so that a lab can hold it against what torch says of its types.
"""

import math
from dataclasses import dataclass

from labkit.errors import LabError
from labkit.profile import nearest


@dataclass(frozen=True)
class FloatFormat:
    """A binary floating-point format (IEEE 754 where `infinities` is true).

    Attributes:
        exponent, fraction: their bits; the sign has one.
        dtype: the name of the type in torch.
        infinities: False for E4M3 of the Open Compute Project, which has no infinity and gives its codes to numbers;
            all ones alone is nan.
    """

    name: str
    exponent: int
    fraction: int
    dtype: str
    infinities: bool = True

    @property
    def bits(self) -> int:
        """The size of a number."""
        return 1 + self.exponent + self.fraction

    @property
    def bias(self) -> int:
        """What is taken from the stored exponent: 127 for FP32."""
        return 2 ** (self.exponent - 1) - 1

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return self._value(self._largest_code)

    @property
    def smallest_normal(self) -> float:
        """The smallest positive number of full precision."""
        return 2.0 ** (1 - self.bias)

    @property
    def smallest_subnormal(self) -> float:
        """The smallest positive number."""
        return 2.0 ** (1 - self.bias - self.fraction)

    @property
    def step(self) -> float:
        """The distance from 1 to the next number, called eps in torch."""
        return 2.0**-self.fraction

    @property
    def _largest_code(self) -> int:
        return (2**self.exponent - 1) * 2**self.fraction - 1 if self.infinities else 2 ** (self.bits - 1) - 2

    def encode(self, value: float) -> str:
        """The bits of the nearest number, of the even one where two are as near.

        Beyond the range it is infinity, and in E4M3, which has none, the largest number, as in torch.

        Raises:
            LabError: a value that is no number.
        """
        value = _number(value)
        magnitude = abs(value)
        if math.isnan(value):
            code = self._largest_code + 1 + (2 ** (self.fraction - 1) if self.infinities else 0)
        elif math.isinf(value):
            code = self._beyond
        elif not value:
            code = 0
        else:
            exponent = max(math.frexp(magnitude)[1] - 1, 1 - self.bias)
            steps = round(math.ldexp(magnitude, self.fraction - exponent))  # exact but for this rounding
            code = (exponent - (1 - self.bias)) * 2**self.fraction + steps
            code = code if code <= self._largest_code else self._beyond
        return str(int(math.copysign(1, value) < 0)) + f"{code:0{self.bits - 1}b}"

    def decode(self, bits: str) -> float:
        """The number that these bits stand for; nan and the infinities included.

        Raises:
            LabError: not as many zeros and ones as the format has.
        """
        _check_bits(self, bits)
        value = self._value(int(bits[1:], 2))
        return -value if bits[0] == "1" else value

    def formula(self, bits: str) -> str:
        """How the value comes of the bits, as text: "(-1)^0 × 2^(128 - 127) × (1 + 73/128)"."""
        _check_bits(self, bits)
        stored, fraction = int(bits[1 : 1 + self.exponent], 2), int(bits[1 + self.exponent :], 2)
        value = self.decode(bits)
        if math.isnan(value):
            return "exponent all ones and a fraction: not a number" if self.infinities else "all ones: not a number"
        if math.isinf(value):
            return "exponent all ones, fraction 0: infinity"
        parts = (
            f"(-1)^{bits[0]} × 2^({max(stored, 1)} - {self.bias}) × ({min(stored, 1)} + {fraction}/{2**self.fraction})"
        )
        return parts if stored else f"{parts}, exponent 0: a subnormal number"

    @property
    def _beyond(self) -> int:
        """The code, without its sign, of what lies beyond the range."""
        return self._largest_code + (1 if self.infinities else 0)

    def _value(self, code: int) -> float:
        stored, fraction = divmod(code, 2**self.fraction)
        if code > self._largest_code:
            return math.inf if self.infinities and not fraction else math.nan
        significand = fraction + (2**self.fraction if stored else 0)
        return math.ldexp(significand, max(stored, 1) - self.bias - self.fraction)


@dataclass(frozen=True)
class IntFormat:
    """Whole numbers in two's complement."""

    name: str
    bits: int
    dtype: str

    @property
    def smallest(self) -> int:
        """The lowest number: one more below zero than above."""
        return -(2 ** (self.bits - 1))

    @property
    def largest(self) -> int:
        """The highest number."""
        return 2 ** (self.bits - 1) - 1

    def encode(self, value: float) -> str:
        """The bits of the nearest whole number, of the nearest end where that lies beyond the range, as quantizers do.

        Raises:
            LabError: a value that is no number, or nan.
        """
        value = _number(value)
        if math.isnan(value):
            raise LabError(f"{self.name} has no bits for nan: give a number.")
        held = max(self.smallest, min(self.largest, value))
        return f"{round(held) % 2**self.bits:0{self.bits}b}"

    def decode(self, bits: str) -> float:
        """The whole number that these bits stand for.

        Raises:
            LabError: not as many zeros and ones as the format has.
        """
        _check_bits(self, bits)
        return float(int(bits[1:], 2) - int(bits[0]) * 2 ** (self.bits - 1))

    def formula(self, bits: str) -> str:
        """How the value comes of the bits, as text: "-0 × 128 + 3"."""
        _check_bits(self, bits)
        return f"-{bits[0]} × {2 ** (self.bits - 1)} + {int(bits[1:], 2)}"


Format = FloatFormat | IntFormat

FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        FloatFormat("FP32", 8, 23, "float32"),
        FloatFormat("FP16", 5, 10, "float16"),
        FloatFormat("BF16", 8, 7, "bfloat16"),
        FloatFormat("FP8 E4M3", 4, 3, "float8_e4m3fn", infinities=False),
        FloatFormat("FP8 E5M2", 5, 2, "float8_e5m2"),
        IntFormat("INT8", 8, "int8"),
        IntFormat("INT4", 4, "int4"),
    )
}


def number_format(name: str) -> Format:
    """The format of that name, as FORMATS lists them.

    Raises:
        LabError: an unknown name (names the nearest, lists the known).
    """
    if name not in FORMATS:
        raise LabError(f"There is no number format {name!r}{nearest(name, FORMATS)} Formats: {', '.join(FORMATS)}.")
    return FORMATS[name]


def flip(bits: str, position: int) -> str:
    """The bits with the one at that position (from the left, counted from 0) turned over.

    Raises:
        LabError: no such position.
    """
    if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position < len(bits):
        raise LabError(f"There is no bit {position!r}: choose one from 0 to {len(bits) - 1}.")
    return bits[:position] + ("0" if bits[position] == "1" else "1") + bits[position + 1 :]


def parts(chosen: Format, bits: str) -> list[tuple[str, str]]:
    """The bits by their meaning: (part, bits) for sign, exponent and fraction; for whole numbers sign and value."""
    _check_bits(chosen, bits)
    if isinstance(chosen, IntFormat):
        return [("sign", bits[:1]), ("value", bits[1:])]
    cut = 1 + chosen.exponent
    return [("sign", bits[:1]), ("exponent", bits[1:cut]), ("fraction", bits[cut:])]


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LabError(f"Only a number can be written in bits, not {value!r}.")
    return float(value)


def _check_bits(chosen: Format, bits: str) -> None:
    if not isinstance(bits, str) or len(bits) != chosen.bits or set(bits) - {"0", "1"}:
        raise LabError(f"{chosen.name} has {chosen.bits} bits, a string of 0 and 1, not {bits!r}.")
