/* Attention with narrow integers, one block of keys at a time, queries in the
 * lanes. Softmax weights in fixed point (int16: 1 is 32767; int8: MOST_DATA)
 * need the true maximum, so scores are stored until it is known. */

/* Far below any relevant score; two to this power is 0. */
#define FAR_BELOW (-1000.0f)

/* ---- packing ------------------------------------------------------------ */

/* A key is a row of A: its `width` elements, one from each channel. Keys lie in
 * the lanes. */
INLINE vec key_lanes(const float *x, int64_t count)
{
    float lane[LANES] = {0};
    if (count == LANES)
        return v_load(x);
    memcpy(lane, x, (size_t)count * sizeof *lane);
    return v_load(lane);
}

/* Scales of the keys in the lanes. */
INLINE vec key_scales(const dmx_number kind, int64_t width, const float *x,
                      int64_t stride, int64_t count)
{
    veci magnitude = {0};
    vec square = {0};
    for (int64_t d = 0; d < width; d++)
        magnitude =
            v_max_int(magnitude, v_magnitude(key_lanes(x + d * stride, count)));
    if (kind == DMX_INT8)
        return scale_8(magnitude);
    const vec most = v_max((vec)magnitude, v_set(DMX_LEAST_SCALE));
    const vec part = v_set(1.0f) / most;
    for (int64_t d = 0; d < width; d++) {
        const vec v = key_lanes(x + d * stride, count) * part;
        square += v * v;
    }
    return scale_16(magnitude, v_sqrt(square) * most, DMX_CHUNK_NORM);
}

/* Packs keys [t, t + count), count <= LANES; key i is row i of a tile. */
INLINE void pack_keys(const dmx_number kind, int64_t width, int64_t t,
                      int64_t count, const float *x, int64_t stride,
                      int32_t *block)
{
    const dmx_cut cut = {kind, width, (width + 3) / 4 * 4};
    const int64_t size = dmx_narrow_places(&cut, MR);
    const int64_t words = dmx_narrow_words(&cut);
    const int pack = kind == DMX_INT8 ? 4 : 2;
    const vec scale = key_scales(kind, width, x, stride, count);
    const vec part = v_set(1.0f) / scale;
    int32_t *place[LANES], word[LANES];
    veci sum = {0};
    for (int64_t i = 0; i < count; i++)
        place[i] = block + (t + i) / MR * size + (t + i) % MR;
    for (int64_t d = 0; d < width; d += pack) {
        veci q[4] = {{0}, {0}, {0}, {0}};
        for (int i = 0; i < pack && d + i < width; i++) {
            q[i] = v_rounded(key_lanes(x + (d + i) * stride, count) * part);
            sum = v_wrapping_sum(sum, q[i]);
        }
        const veci w = word_of(kind, q);
        memcpy(word, &w, sizeof word);
        for (int64_t i = 0; i < count; i++)
            place[i][d / pack * MR] = word[i];
    }
    memcpy(word, &scale, sizeof word);
    for (int64_t i = 0; i < count; i++)
        place[i][words * MR] = word[i];
    memcpy(word, &sum, sizeof word);
    for (int64_t i = 0; i < count; i++)
        place[i][words * MR + MR] = word[i];
}

static void narrow_keys(dmx_number kind, int64_t width, int64_t room, int64_t n,
                        const float *x, int64_t stride, int32_t *block)
{
    const dmx_cut cut = {kind, width, (width + 3) / 4 * 4};
    memset(block, 0,
           (size_t)(room / MR * dmx_narrow_places(&cut, MR)) * sizeof *block);
    for (int64_t t = 0; t < n; t += LANES) {
        const int64_t count = n - t < LANES ? n - t : LANES;
        if (kind == DMX_INT16)
            pack_keys(DMX_INT16, width, t, count, x + t, stride, block);
        else
            pack_keys(DMX_INT8, width, t, count, x + t, stride, block);
    }
}

/* A channel is a row of A: its elements for all tokens of the block. */
INLINE void values_row(const dmx_number kind, int64_t room, int64_t n,
                       const float *x, int32_t *to)
{
    const int64_t pack = kind == DMX_INT8 ? 4 : 2, words = room / pack;
    veci magnitude = {0}, total = {0};
    float row[DMX_CHUNK] = {0};
    vec size = {0};
    memcpy(row, x, (size_t)n * sizeof *row);
    for (int64_t t = 0; t < n; t += LANES) {
        const veci m = v_magnitude(v_load(row + t));
        magnitude = v_max_int(magnitude, m);
        size += (vec)m;
    }
    int32_t lane[LANES], most = 0, sum = 0;
    memcpy(lane, &magnitude, sizeof lane);
    for (int i = 0; i < LANES; i++)
        most = lane[i] > most ? lane[i] : most;
    magnitude = v_set_int(most);
    const vec scale = kind == DMX_INT16
                          ? scale_16(magnitude, v_set(v_sum(size)), 65400.0f)
                          : scale_8(magnitude);
    const vec part = v_set(1.0f) / scale;
    for (int64_t t = 0; t < n; t += LANES) {
        const veci q = v_rounded(v_load(row + t) * part);
        total = v_wrapping_sum(total, q);
        memcpy(lane, &q, sizeof lane);
        for (int64_t i = 0; i < LANES; i += pack) {
            uint32_t word = 0;
            for (int64_t r = 0; r < pack; r++)
                word |= ((uint32_t)lane[i + r] &
                         (kind == DMX_INT8 ? 0xffu : 0xffffu))
                        << (r * (32 / pack));
            to[(t + i) / pack * MR] = (int32_t)word;
        }
    }
    memcpy(lane, &total, sizeof lane);
    for (int i = 0; i < LANES; i++)
        sum = (int32_t)((uint32_t)sum + (uint32_t)lane[i]);
    float first[LANES];
    v_store(first, scale);
    memcpy(&to[words * MR], first, sizeof *first);
    to[words * MR + MR] = sum;
}

static void narrow_values(dmx_number kind, int64_t width, int64_t wide,
                          int64_t room, int64_t n, const float *x,
                          int64_t stride, int32_t *block)
{
    const dmx_cut cut = {kind, room, room};
    const int64_t size = dmx_narrow_places(&cut, MR);
    memset(block, 0, (size_t)(wide / MR * size) * sizeof *block);
    for (int64_t d = 0; d < width; d++, x += stride) {
        int32_t *to = block + d / MR * size + d % MR;
        if (kind == DMX_INT16)
            values_row(DMX_INT16, room, n, x, to);
        else
            values_row(DMX_INT8, room, n, x, to);
    }
}

/* ---- a block ------------------------------------------------------------ */

/* Computes the scores of MR keys into a->score, and updates the maxima. */
INLINE void tile_scores(const dmx_number kind, const dmx_narrow_attention *a,
                        const int32_t *key, int64_t i, const vec *scale,
                        vec most[VECS])
{
    const dmx_cut cut = {kind, a->width, (a->width + 3) / 4 * 4};
    const int64_t words = dmx_narrow_words(&cut);
    const int32_t *row = key + words * MR;
    int_sums sum;
    int_start(kind, row + MR, a->query + words * NR + NR, sum);
    int_product(kind, words, key, a->query, sum);
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) {
        const vec one = v_set(float_at(row + r));
        const bool there = i + r < a->keys;
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++) {
            vec s = __builtin_convertvector(sum[r][j], vec) * (one * scale[j]);
            s = there ? s : v_set(-1e30f);
            most[j] = v_max(most[j], s);
            v_store(a->score + (i + r) * NR + j * LANES, s);
        }
    }
}

/* Softmax weights 2^(score - most) of a word's keys, in fixed point. */
INLINE void softmax_word(const dmx_number kind, const float *score,
                         const vec most, vec *total, int32_t *to)
{
    const float one = kind == DMX_INT8 ? (float)MOST_DATA : STEPS_16;
    const float bias = kind == DMX_INT8 ? (float)DATA_BIAS : 0.0f;
    const int pack = kind == DMX_INT8 ? 4 : 2;
    veci q[4];
    for (int r = 0; r < pack; r++) {
        const vec d = v_load(score + r * NR) - most;
        const vec e = v_exp2_any(v_max(v_set(FAR_BELOW), d));
        *total += e;
        q[r] = (veci)(e * v_set(one) + v_set(ROUNDER - bias));
    }
    const veci w = word_of(kind, q);
    v_store((float *)(void *)to, (vec)w);
}

/* All softmax weights of the block; updates l and m. */
INLINE void block_softmax(const dmx_number kind, const dmx_narrow_attention *a,
                          const vec most[VECS], vec decay[VECS])
{
    const int64_t pack = kind == DMX_INT8 ? 4 : 2;
    vec total[VECS];
    for (int j = 0; j < VECS; j++)
        total[j] = (vec){0};
    for (int64_t i = 0; i < a->room; i += pack)
#pragma GCC unroll 4
        for (int j = 0; j < VECS; j++)
            softmax_word(kind, a->score + i * NR + j * LANES, most[j],
                         &total[j], a->softmax + i / pack * NR + j * LANES);
    for (int j = 0; j < VECS; j++) {
        const vec d = v_load(a->m + j * LANES) - most[j];
        decay[j] = v_exp2_any(v_max(v_set(FAR_BELOW), d));
        v_store(a->m + j * LANES, most[j]);
        v_store(a->l + j * LANES,
                v_load(a->l + j * LANES) * decay[j] + total[j]);
    }
}

INLINE void add_values(const dmx_number kind, const dmx_narrow_attention *a,
                       const vec decay[VECS])
{
    const dmx_cut cut = {kind, a->room, a->room};
    const int64_t words = dmx_narrow_words(&cut);
    const float part = 1.0f / (kind == DMX_INT8 ? (float)MOST_DATA : STEPS_16);
    static const int32_t zero[NR];
    const int32_t *value = a->value;
    float *o = a->o;
    for (int64_t d = 0; d < a->wide; d += MR, o += MR * NR) {
        const int32_t *row = value + words * MR;
        int_sums sum;
        int_start(kind, row + MR, zero, sum);
        int_product(kind, words, value, a->softmax, sum);
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++) {
            const vec scale = v_set(float_at(row + r) * part);
#pragma GCC unroll 4
            for (int j = 0; j < VECS; j++) {
                float *to = o + r * NR + j * LANES;
                const vec v = __builtin_convertvector(sum[r][j], vec) * scale;
                v_store(to, v_load(to) * decay[j] + v);
            }
        }
        value = row + 2 * MR;
    }
}

INLINE void attend_kind(const dmx_number kind, const dmx_narrow_attention *a)
{
    const dmx_cut cut = {kind, a->width, (a->width + 3) / 4 * 4};
    const int64_t words = dmx_narrow_words(&cut);
    vec most[VECS], decay[VECS], scale[VECS];
    for (int j = 0; j < VECS; j++) {
        most[j] = v_load(a->m + j * LANES);
        scale[j] = (vec)v_load_int(a->query + words * NR + j * LANES);
    }
    const int32_t *key = a->key;
    for (int64_t i = 0; i < a->room; i += MR, key += (words + 2) * MR)
        tile_scores(kind, a, key, i, scale, most);
    block_softmax(kind, a, most, decay);
    add_values(kind, a, decay);
}

static void narrow_attend(const dmx_narrow_attention *a)
{
    if (a->kind == DMX_INT16)
        attend_kind(DMX_INT16, a);
    else
        attend_kind(DMX_INT8, a);
}
