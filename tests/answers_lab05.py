"""Lab 05's exercises: wrong answers, each with the hint it has to get, and right ones beside the reference."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[..., Any]


# FLOPs of a token


def counted(
    width: int,
    layers: int,
    context: int,
    vocabulary: int,
    *,
    times: int = 3,
    each: int = 2,
    matrices: int = 1,
    products: float = 2,
    outputs: int = 1,
    attention_layers: int | None = None,
    matrix_layers: int | None = None,
) -> int:
    """Right with the defaults; each of them can be replaced."""
    in_matrices = 12 * (matrix_layers or layers) * width**2 * matrices
    in_attention = round((attention_layers or layers) * products * context * width)
    return times * each * (in_matrices + in_attention + outputs * vocabulary * width)


def flops(**parts: Any) -> Function:
    return lambda w, n, c, v: counted(w, n, c, v, **parts)


FLOPS: dict[str, tuple[Function, str]] = {
    "forward": (flops(times=1), "This is the forward pass alone"),
    "backward once": (flops(times=2), "The backward pass counts once"),
    "no factor 2": (flops(each=1), "a factor of 2 is missing"),
    "6N": (flops(products=0, outputs=0), "This is 6N"),
    "no attention": (flops(products=0), "Attention over the positions is missing"),
    "one product": (flops(products=1), "One of attention's two products"),
    "no output": (flops(outputs=0), "The output layer is missing"),
    "a table multiplied": (flops(outputs=2), "The output layer counts twice"),
    "attention of one layer": (flops(attention_layers=1), "Attention takes place in each of the layers"),
    "matrices of one layer": (flops(matrix_layers=1), "The matrices of one layer are counted"),
    "a window": (lambda w, n, c, v: counted(w, n, c, v) * c, "This is for all tokens of a window"),
    "square of the context": (lambda w, n, c, v: counted(w, n, c, v, products=2 * c), "those of a whole window"),
    "places swapped": (
        lambda w, n, c, v: counted(w, n, c, v) if n == 3 else counted(n, w, c, v),
        "Each number stands in its place",
    ),
    "a float": (lambda w, n, c, v: float(counted(w, n, c, v)), "a whole number (an int) is wanted"),
}

# The minimum of an isoFLOP curve


def vertex(
    sizes: list[float],
    losses: list[float],
    *,
    log: Function = np.log,
    place: Function = lambda a, b: -b / (2 * a),
    back: Function = np.exp,
) -> float:
    """Right with the defaults."""
    a, b, _ = np.polyfit(log(sizes), losses, 2)
    return float(back(place(a, b)))


def vertices(**parts: Any) -> Function:
    return lambda sizes, losses: vertex(sizes, losses, **parts)


def loss_at_vertex(sizes: list[float], losses: list[float]) -> float:
    return float(np.polyval(np.polyfit(np.log(sizes), losses, 2), np.log(vertex(sizes, losses))))


MINIMA: dict[str, tuple[Function, str]] = {
    "best tried": (lambda sizes, losses: sizes[int(np.argmin(losses))], "the best of the sizes tried"),
    "no logarithm": (vertices(log=np.asarray, back=float), "one in the size itself"),
    "left in logarithms": (vertices(back=float), "the logarithm of the best size"),
    "sign": (vertices(place=lambda a, b: b / (2 * a)), "The sign is turned over"),
    "no 2": (vertices(place=lambda a, b: -b / a), "A factor of 2 is missing"),
    "precedence": (vertices(place=lambda a, b: -b / 2 * a), "multiplies by a"),
    "10 in, e out": (vertices(log=np.log10), "base 10 goes in"),
    "e in, 10 out": (vertices(back=lambda value: 10.0**value), "a power of 10 comes out"),
    "the loss": (loss_at_vertex, "the loss at the lowest point"),
    "math.log": (lambda sizes, losses: math.log(sizes), "`math.log` does not"),
    "clipped": (
        lambda sizes, losses: min(max(vertex(sizes, losses), min(sizes)), max(sizes)),
        "may lie beyond the sizes tried",
    ),
}

# A power law


def line(
    x: list[float],
    y: list[float],
    *,
    of_x: Function = np.log,
    of_y: Function = np.log,
    finish: Function = lambda slope, intercept: (slope, np.exp(intercept)),
) -> Any:
    """Right with the defaults."""
    return tuple(map(float, finish(*np.polyfit(of_x(x), of_y(y), 1))))


def lines(**parts: Any) -> Function:
    return lambda x, y: line(x, y, **parts)


def plain(slope: float, intercept: float) -> tuple[float, float]:
    return slope, intercept


def of_errors_in_x(x: list[float], y: list[float]) -> tuple[float, float]:
    slope, intercept = np.polyfit(np.log(y), np.log(x), 1)
    return 1 / slope, float(np.exp(-intercept / slope))


LINES: dict[str, tuple[Function, str]] = {
    "swapped": (lines(finish=lambda slope, intercept: (np.exp(intercept), slope)), "The two are swapped: the exponent"),
    "log factor": (lines(finish=plain), "the logarithm of the factor"),
    "10 in, e out": (lines(of_x=np.log10, of_y=np.log10), "need a power of 10"),
    "no logarithms": (lines(of_x=np.asarray, of_y=np.asarray, finish=plain), "through the values themselves"),
    "x alone": (lines(of_y=np.asarray, finish=plain), "Only x is in logarithms"),
    "y alone": (lines(of_x=np.asarray, finish=plain), "Only y is in logarithms"),
    "x and y swapped": (lambda x, y: line(y, x), "x and y are swapped"),
    "errors of x": (of_errors_in_x, "This minimises errors of x"),
    "two points": (
        lambda x, y: (math.log(y[-1] / y[0]) / math.log(x[-1] / x[0]), line(x, y)[1]),
        "that of the first and the last point",
    ),
    "factor at the mean": (lambda x, y: (line(x, y)[0], float(np.mean(y))), "the factor is not"),
    "math.log": (lambda x, y: math.log(x), "`np.log(x)` takes the logarithm of each"),
    "no sign": (lambda x, y: (abs(line(x, y)[0]), line(x, y)[1]), "has a negative exponent"),
}

# The optimum of the parametric fit


def optimum(
    budget: float,
    A: float,
    B: float,
    alpha: float,
    beta: float,
    *,
    ratio: Function = lambda A, B, alpha, beta: alpha * A / (beta * B),
    power: Function = lambda alpha, beta: 1 / (alpha + beta),
    exponent: Function = lambda alpha, beta: beta / (alpha + beta),
    product: Function = lambda budget: budget / 6,
) -> tuple[float, float]:
    """Right with the defaults."""
    n = ratio(A, B, alpha, beta) ** power(alpha, beta) * product(budget) ** exponent(alpha, beta)
    return n, product(budget) / n


def optima(**parts: Any) -> Function:
    return lambda *given: optimum(*given, **parts)


OPTIMA: dict[str, tuple[Function, str]] = {
    "swapped": (lambda *given: optimum(*given)[::-1], "parameters come first"),
    "no 6": (optima(product=lambda budget: budget), "divide it by 6"),
    "exponent of the data": (optima(exponent=lambda a, b: a / (a + b)), "The exponent is that of the data"),
    "factor turned over": (optima(power=lambda a, b: -1 / (a + b)), "The factor is turned over"),
    "no factor": (optima(power=lambda a, b: 0), "The factor in front is missing"),
    "no power": (optima(power=lambda a, b: 1), "The factor lacks its power"),
    "no derivative": (optima(ratio=lambda A, B, a, b: A / B), "brings alpha down"),
    "halves": (lambda budget, *_: ((budget / 6) ** 0.5, (budget / 6) ** 0.5), "splits the budget evenly"),
    "rule of thumb": (lambda budget, *_: ((budget / 120) ** 0.5, 20 * (budget / 120) ** 0.5), "20 tokens a parameter"),
    "not the budget": (lambda *given: (optimum(*given)[0], 20 * optimum(*given)[0]), "6 N D is not the budget"),
}

WRONG = {
    "05.flops_per_token": FLOPS,
    "05.isoflop_minimum": MINIMA,
    "05.power_law": LINES,
    "05.compute_optimal": OPTIMA,
}


RIGHT: dict[str, list[Function]] = {
    "05.flops_per_token": [flops()],
    "05.isoflop_minimum": [vertices(), vertices(log=np.log10, back=lambda value: 10.0**value)],
    "05.power_law": [
        lines(),
        lines(of_x=np.log10, of_y=np.log10, finish=lambda slope, intercept: (slope, 10**intercept)),
    ],
    "05.compute_optimal": [optima()],
}
