/* Deliberate mistakes, so that a test can show that the golden tests detect
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
    DMX_MUTANT_ISTFT_ONE_SIDED,     /* negative frequencies left out */
    DMX_MUTANT_OLD_REFLECTED,       /* hybrid_old: no zeros around it */
    DMX_MUTANT_OLD_IN_TIME,         /* hybrid_old: the delay is undone */
    DMX_MUTANT_CENTRED_ZERO_PAD,    /* hybrid false: zeros, no reflection */
    DMX_MUTANT_ENVELOPE_CONSTANT,   /* 1.5 at the ends too */
    DMX_MUTANT_MAGNITUDE_SQUARED,
    DMX_MUTANT_MASK_ABSOLUTE,    /* |m|: the sign of m is lost */
    DMX_MUTANT_MASK_SILENT_BINS, /* 0 where the mixture is 0 */
    DMX_MUTANT_MASK_CONJUGATE,
    DMX_MUTANT_WIENER_UNREGULARIZED,
    DMX_MUTANT_WIENER_TRANSPOSED, /* covariances, that is their conjugates */
    DMX_MUTANT_MONO_SUM,
    DMX_MUTANT_RESAMPLE_PHASES_SWAPPED,
    DMX_MUTANT_RESAMPLE_FLIPPED,
    DMX_MUTANT_LSTM_WHOLE,         /* no chunks */
    DMX_MUTANT_LSTM_EARLY_JOIN,    /* chunks are joined 50 steps too early */
    DMX_MUTANT_LSTM_CELL_LAST,     /* gates in the order i, f, o, g */
    DMX_MUTANT_LSTM_ONE_BIAS,      /* bias_hh left out */
    DMX_MUTANT_LSTM_REVERSE_FIRST, /* in the result's channels */
    DMX_MUTANT_LSTM_FORWARD_TWICE, /* no reverse direction */
    DMX_MUTANT_LOCAL_HEADS_INTERLEAVED,
    DMX_MUTANT_LOCAL_DECAY_UNSCALED,   /* not divided by sqrt(n) */
    DMX_MUTANT_LOCAL_KEYS_FOR_QUERIES, /* softmax over the wrong axis */
    DMX_MUTANT_LOCAL_WITH_ITSELF,      /* the diagonal is not -100 */
    DMX_MUTANT_STATISTICS_BIASED,      /* std divides by n */
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
