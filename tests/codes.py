"""Lower bounds in 16 bits, as `dimscope.knn.listed` describes them: what its compiled loops are compared with."""

import numpy as np


def cut_off(lowers):
    """5 bits of the exponent, from 2^-20 to 2^12, and 11 of the fraction; smaller numbers become 0, larger ones the largest."""
    fractions, exponents = np.frexp(np.maximum(np.asarray(lowers, np.float64), 0))
    codes = (exponents - 1 + 20) * 2048 + np.floor((2 * fractions - 1) * 2048)
    return np.where(fractions > 0, np.clip(codes, 0, 65_535), 0).astype(np.uint16)


def filled_up(codes):
    """The numbers that `cut_off` stands for."""
    exponents, fractions = np.divmod(np.asarray(codes, np.int64), 2048)
    return np.where(codes == 0, 0, np.ldexp(1 + fractions / 2048, exponents - 20))
