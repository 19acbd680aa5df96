/* Written by tools/make_coefficients.c: do not edit. */
/* clang-format off */
#ifndef DMX_ENGINE_COEFFICIENTS_H
#define DMX_ENGINE_COEFFICIENTS_H

/* 2^x = 1 + x (c0 + c1 x + ...), degree 5, on
 * [-1/2, 1/2]: relative error 9.86e-08. */
#define DMX_EXP2_WIDE { \
    6.93146944e-01f, 2.40222469e-01f, 5.55082075e-02f, 9.67119914e-03f, \
    1.32344745e-03f}

/* 2^x = 1 + x (c0 + c1 x + ...), degree 2, on
 * [-1/64, 1/64]: relative error 5.33e-08. */
#define DMX_EXP2_NARROW { \
    6.93157375e-01f, 2.40229949e-01f}

/* 2^(j / 32) */
#define DMX_EXP2_PARTS { \
    1.00000000e+00f, 1.02189720e+00f, 1.04427373e+00f, 1.06714046e+00f, \
    1.09050775e+00f, 1.11438680e+00f, 1.13878858e+00f, 1.16372490e+00f, \
    1.18920708e+00f, 1.21524739e+00f, 1.24185777e+00f, 1.26905096e+00f, \
    1.29683959e+00f, 1.32523668e+00f, 1.35425556e+00f, 1.38390994e+00f, \
    1.41421354e+00f, 1.44518077e+00f, 1.47682619e+00f, 1.50916445e+00f, \
    1.54221082e+00f, 1.57598090e+00f, 1.61049032e+00f, 1.64575553e+00f, \
    1.68179286e+00f, 1.71861935e+00f, 1.75625217e+00f, 1.79470909e+00f, \
    1.83400810e+00f, 1.87416768e+00f, 1.91520655e+00f, 1.95714414e+00f}

/* erf(x) = x p(x^2) / q(x^2), degrees 6 and 4, on [-3.85, 3.85]: absolute
 * error 6.13e-08; 1 - erf(3.85) is 5.19e-08. */
#define DMX_ERF_END 3.85000000e+00f
#define DMX_ERF_TOP { \
    1.12837899e+00f, 2.05780521e-01f, 5.13693467e-02f, 3.95124871e-03f, \
    1.47828294e-04f, -1.97964914e-06f, 1.97840375e-08f}
#define DMX_ERF_BOTTOM { \
    1.00000000e+00f, 5.15698612e-01f, 1.17437676e-01f, 1.48620075e-02f, \
    1.01638143e-03f}

#endif
