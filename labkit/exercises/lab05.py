"""Lab 05's exercises: the cases each answer is tried on, and a hint for every mistake that can be told from its answer.

The cases go from plain to special. Sizes, budgets and constants are such that no two mistakes give the same number.
"""

from typing import Any

import numpy as np

from labkit.exercises.answers import COUNT, NUMBER, PAIR, close
from labkit.exercises.checking import Case, Exercise

# FLOPs of a token. The three parts of the forward pass, and what is left when one of them is counted otherwise.

_FLOPS_CASES = (
    Case((20, 3, 48, 100)),
    Case((16, 2, 64, 128), "Each number stands in its place: width, layers, context, vocabulary, in this order."),
    Case((8, 1, 256, 50257), "With a long context and a large vocabulary the layers' matrices are the smallest part."),
)


def _flops_mistake(case: Case, got: Any, expected: int) -> str | None:
    if isinstance(got, Exception):
        return None
    width, layers, context, vocabulary = case.arguments
    matrices, output = 24 * layers * width**2, 2 * vocabulary * width
    product = 2 * layers * context * width  # of the two that attention takes over the positions
    slips = (
        (expected // 3, "This is the forward pass alone: the backward pass takes twice as much again."),
        (expected // 3 * 2, "The backward pass counts once here: each product has two gradients, so it takes twice."),
        (expected // 2, "A multiplication and an addition are two operations: a factor of 2 is missing."),
        (3 * matrices, "This is 6N: the products over the positions and the output layer are missing."),
        (expected - 6 * product, "Attention over the positions is missing: queries with keys, weights with values."),
        (
            expected - 3 * product,
            "One of attention's two products is missing, with keys or with values, or its masked half was left out.",
        ),
        (expected - 3 * output, "The output layer is missing: `vocabulary` × width entries for each token."),
        (expected + 3 * output, "The output layer counts twice: the table of tokens is looked up and takes no FLOPs."),
        (
            expected - 6 * product + 6 * product // layers,
            "Attention takes place in each of the layers: multiply it by their number.",
        ),
        (
            expected - 3 * matrices + 3 * matrices // layers,
            "The matrices of one layer are counted: multiply them by the number of layers.",
        ),
        (
            expected * context,
            "This is for all tokens of a window: the answer is for one of them, so do not multiply by `context`.",
        ),
        (
            expected + 6 * product * (context - 1),
            "The products over the positions are those of a whole window: a token has `context` keys, not its square.",
        ),
    )
    return next((hint for slip, hint in slips if got == slip), None)


FLOPS_PER_TOKEN = Exercise("05.flops_per_token", "The FLOPs of a token", COUNT, _FLOPS_CASES, _flops_mistake)

# The minimum of an isoFLOP curve.

_SIZES = [864, 1536, 3456, 6144, 13824, 24576]
_LOSSES = [2.31, 2.22, 2.16, 2.17, 2.25, 2.37]

_MINIMUM_CASES = (
    Case((_SIZES, _LOSSES)),
    Case(
        ([1e7, 3e7, 1e8, 3e8, 1e9], [3.4, 3.1, 2.95, 2.97, 3.15]),
        "The sizes of another curve, as floats: fit and go back by the same logarithm.",
    ),
    Case(
        ([100, 200, 400, 800, 1600], [2.0, 1.7, 1.5, 1.38, 1.32]),
        "The lowest point may lie beyond the sizes tried: give it as it is, the lab checks that afterwards.",
    ),
)


def _minimum_mistake(case: Case, got: Any, expected: float) -> str | None:
    if isinstance(got, TypeError):
        return "The sizes are a list: `np.log(sizes)` takes the logarithm of each, `math.log` does not."
    if isinstance(got, Exception):
        return None
    sizes, losses = case.arguments
    a, b, c = np.polyfit(np.log(sizes), losses, 2)
    raw = np.polyfit(sizes, losses, 2)
    tens = np.polyfit(np.log10(sizes), losses, 2)
    with np.errstate(over="ignore"):
        slips = (
            (-raw[1] / (2 * raw[0]), "The parabola is one in the size itself: fit it in the logarithm of the size."),
            (-b / (2 * a), "This is the logarithm of the best size: go back to the size by `np.exp`."),
            (np.exp(b / (2 * a)), "The sign is turned over: the lowest point is at -b / (2a)."),
            (np.exp(-b / a), "A factor of 2 is missing: the lowest point is at -b / (2a)."),
            (np.exp(-b / 2 * a), "`-b / 2 * a` multiplies by a: write -b / (2 * a)."),
            (
                np.exp(-tens[1] / (2 * tens[0])),
                "The logarithm to the base 10 goes in and `exp` comes out: take the same base both ways.",
            ),
            (10 ** (-b / (2 * a)), "The natural logarithm goes in and a power of 10 comes out: take one base."),
            (c - b**2 / (4 * a), "This is the loss at the lowest point: give the size."),
        )
    if min(sizes) < expected < max(sizes) and got == sizes[int(np.argmin(losses))]:
        return "This is the best of the sizes tried: take the parabola's lowest point."
    return next((hint for slip, hint in slips if close(got, float(slip))), None)


ISOFLOP_MINIMUM = Exercise(
    "05.isoflop_minimum", "The best size at one budget", NUMBER, _MINIMUM_CASES, _minimum_mistake
)

# A power law.

_POWER_CASES = (
    Case(([1.0, 2.0, 5.0, 9.0], [3.0, 4.1, 6.9, 8.8])),
    Case(([1e10, 3e10, 1e11, 3e11], [1800.0, 2900.0, 5600.0, 9100.0]), "Large numbers: the fit is in the logarithms."),
    Case(([2.0, 4.0, 8.0], [7.0, 5.0, 3.6]), "A quantity that falls has a negative exponent: leave its sign alone."),
)


def _power_mistake(case: Case, got: Any, expected: tuple[float, float]) -> str | None:
    if isinstance(got, TypeError):
        return "The values are lists: `np.log(x)` takes the logarithm of each number of them."
    if isinstance(got, Exception):
        return None
    x, y = (np.asarray(values) for values in case.arguments)
    exponent, factor = expected
    turned = np.polyfit(np.log(y), np.log(x), 1)
    tens = np.polyfit(np.log10(x), np.log10(y), 1)
    slips = (
        ((factor, exponent), "The two are swapped: the exponent comes first, then the factor."),
        ((exponent, np.log(factor)), "The second number is the logarithm of the factor: take `np.exp` of it."),
        ((exponent, np.exp(tens[1])), "Logarithms to the base 10 need a power of 10 to go back, not `exp`."),
        (tuple(np.polyfit(x, y, 1)), "This is a straight line through the values themselves: take logarithms of both."),
        (tuple(np.polyfit(np.log(x), y, 1)), "Only x is in logarithms: take those of y as well."),
        (tuple(np.polyfit(x, np.log(y), 1)), "Only y is in logarithms, which is an exponential: take those of x too."),
        ((turned[0], np.exp(turned[1])), "x and y are swapped: `np.polyfit` takes x first."),
        ((1 / turned[0], np.exp(-turned[1] / turned[0])), "This minimises errors of x: fit log y by log x."),
        (
            (np.log(y[-1] / y[0]) / np.log(x[-1] / x[0]), factor),
            "The exponent is that of the first and the last point: least squares take all points.",
        ),
    )
    for slip, hint in slips:
        if PAIR.same(got, slip):
            return hint
    if close(got[0], exponent):
        return "The exponent is right, the factor is not: it is y where x is 1, exp of the intercept."
    return None


POWER_LAW = Exercise("05.power_law", "A power law by least squares", PAIR, _POWER_CASES, _power_mistake)

# The optimum of the parametric fit.

_OPTIMAL_CASES = (
    Case((6e21, 400.0, 2000.0, 0.35, 0.37)),
    Case((1e18, 90.0, 30.0, 0.5, 0.25), "Another fit: the optimum depends on all four constants."),
    Case((2.5e25, 400.0, 400.0, 0.3, 0.3), "With equal halves of the law, size and data are equal too."),
)


def _optimal_mistake(case: Case, got: Any, expected: tuple[float, float]) -> str | None:
    if isinstance(got, Exception):
        return None
    budget, A, B, alpha, beta = case.arguments
    total = alpha + beta
    ratio = alpha * A / (beta * B)

    def split(factor: float, exponent: float, product: float = budget / 6) -> tuple[float, float]:
        size = factor * product**exponent
        return size, product / size

    right = ratio ** (1 / total)
    slips = (
        (expected[::-1], "The two are swapped: parameters come first, then tokens."),
        (split(right, beta / total, budget), "The budget is 6ND: divide it by 6 before you split it."),
        (split(right, alpha / total), "The exponent is that of the data: N grows with beta / (alpha + beta)."),
        (split(1 / right, beta / total), "The factor is turned over: it is (alpha A / (beta B)) to a power."),
        (split(1.0, beta / total), "The factor in front is missing: A and B decide where the optimum is."),
        (split(ratio, beta / total), "The factor lacks its power, 1 / (alpha + beta)."),
        (
            split((A / B) ** (1 / total), beta / total),
            "The derivative of A / N**alpha brings alpha down: the factor holds alpha A and beta B.",
        ),
        (split(1.0, 0.5), "This splits the budget evenly whatever the fit says: use its constants."),
        (split((1 / 20) ** 0.5, 0.5), "This is 20 tokens a parameter: the fit has an optimum of its own."),
    )
    for slip, hint in slips:
        if PAIR.same(got, slip):
            return hint
    if got[0] > 0 and got[1] > 0 and not close(6 * got[0] * got[1], budget):
        return "6 N D is not the budget for this pair: the tokens are what the budget leaves, budget / 6 / N."
    return None


COMPUTE_OPTIMAL = Exercise(
    "05.compute_optimal", "The optimum of the parametric fit", PAIR, _OPTIMAL_CASES, _optimal_mistake
)

EXERCISES = (FLOPS_PER_TOKEN, ISOFLOP_MINIMUM, POWER_LAW, COMPUTE_OPTIMAL)  # as they come in the lab
