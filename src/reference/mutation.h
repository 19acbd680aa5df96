/* Deliberate mistakes, so that a test can show that the golden tests notice
 * each of them. In the library DMX_MUTANT(x) is the constant 0; only the
 * mutation test compiles these files with DMX_MUTATIONS. */
#ifndef DMX_REFERENCE_MUTATION_H
#define DMX_REFERENCE_MUTATION_H

#ifdef DMX_MUTATIONS
enum dmx_mutant {
    DMX_MUTANT_NONE,
    DMX_MUTANT_STFT_ZERO_PAD,       /* zeros for the reflected samples */
    DMX_MUTANT_STFT_LATE_FRAMES,    /* frames cut from the third on */
    DMX_MUTANT_STFT_SYMMETRIC_HANN, /* not the periodic window */
    DMX_MUTANT_STFT_UNNORMALIZED,   /* no 1/sqrt(n_fft) */
    DMX_MUTANT_STFT_DROP_FIRST_BIN, /* the Nyquist bin kept, DC dropped */
    DMX_MUTANT_STFT_CONJUGATE,      /* exp(+i...) */
    DMX_MUTANT_STFT_PLANAR,         /* all real parts, then all imaginary */
    DMX_MUTANT_ISTFT_NO_ENVELOPE,   /* no division by the squared windows */
    DMX_MUTANT_ISTFT_LATE,          /* cropped one sample late */
    DMX_MUTANT_ISTFT_ONE_SIDED,     /* negative frequencies forgotten */
    DMX_MUTANT_STATISTICS_BIASED,   /* std divides by n */
    DMX_MUTANT_STANDARDIZE_NO_MEAN,
    DMX_MUTANT_UNSTANDARDIZE_NO_MEAN,
    DMX_MUTANT_CONV_FLIPPED, /* a convolution, not a cross-correlation */
    DMX_MUTANT_CONV_TRANSPOSE_FLIPPED,
    DMX_MUTANT_NORM_UNBIASED, /* group norm's variance */
    DMX_MUTANT_LAYER_NORM_UNBIASED,
    DMX_MUTANT_NORM_EPSILON_OUTSIDE, /* sqrt(var) + eps in both norms */
    DMX_MUTANT_GELU_TANH,
    DMX_MUTANT_GLU_SWAPPED, /* sigmoid(first) * second */
    DMX_MUTANT_ATTENTION_HEADS_INTERLEAVED,
    DMX_MUTANT_TOKENS_FREQ_MAJOR,
    DMX_MUTANT_UNTOKENS_FREQ_MAJOR,
    DMX_MUTANT_POSITION_1D_INTERLEAVED, /* [cos sin cos sin ...] */
    DMX_MUTANT_POSITION_1D_SIN_FIRST,
    DMX_MUTANT_POSITION_2D_ROWS_FIRST, /* frequency in the first half */
    DMX_MUTANT_POSITION_2D_HALVES,     /* [sin | cos], not interleaved */
    DMX_MUTANT_COUNT,
};

extern enum dmx_mutant dmx_active_mutant;
#define DMX_MUTANT(name) (dmx_active_mutant == DMX_MUTANT_##name)
#else
#define DMX_MUTANT(name) 0
#endif

#endif
