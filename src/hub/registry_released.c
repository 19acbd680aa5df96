/* The models that Demucs' authors released.
 *
 * Names, signatures, first eight digits, weights and segments: demucs/remote/
 * of the original. Full hashes and sizes: measured by independent projects
 * that pin these files; each agrees with the eight published digits. The
 * second source, the author's own conversion to safetensors, is listed where
 * its hash is known (so not for members this tool can't run yet). */
#include "hub/registry.h"

#define RELEASE "https://dl.fbaipublicfiles.com/demucs/"
#define HUB     "https://huggingface.co/"

/* clang-format off */
#define HYBRID "hybrid_transformer/"
#define FINAL "mdx_final/"
#define AT_BASE "adefossez/HTDemucs/resolve/bf35a81b663819a8255c8fefee17f9d812b786b5/"
#define AT_FT "adefossez/HTDemucs-ft/resolve/478be8a68f85418addd6f7baefd4be76522a4034/"
#define AT_6S "adefossez/HTDemucs-6s/resolve/3c5ee475be622df764938de97e4281a7b07ffa58/"

#define ONE(id, folder, sha8, bytes, sha256)                                   \
    static const dmx_registry_member m_##id = {                                \
        #id, {{RELEASE, folder #id "-" sha8 ".th", sha256, bytes}}, 1}
#define TWO(id, folder, sha8, bytes, sha256, at, st_bytes, st_sha256)          \
    static const dmx_registry_member m_##id = {                                \
        #id, {{RELEASE, folder #id "-" sha8 ".th", sha256, bytes},             \
              {HUB, at #id ".safetensors", st_sha256, st_bytes}}, 2}

TWO(955717e8, HYBRID, "8726e21a", 84141911,
    "8726e21a993978c7ba086d3872e7608d7d5bfca646ca4aca459ffda844faa8b4",
    AT_BASE, 0,
    "d9fa14133cfcc034a6758923bb3a8ca9f8dfd0b582134643bbf83f72c17576dd");
TWO(f7e0c4bc, HYBRID, "ba3fe64a", 84141271,
    "ba3fe64ae8ef66ac9a4857222ce48efbdc5eb3ad375cb79dd13debee5aaa4066",
    AT_FT, 84025440,
    "2c85ab3c62dd6edd8e0b965e38b16fd1cdde357cc25de6b6bc9ce7c83f60925f");
TWO(d12395a8, HYBRID, "e57c48e6", 84141271,
    "e57c48e6b0e38af4f7118d7bd08c49f0a0c0edf7d09143bdd902ea0d237303e6",
    AT_FT, 84025440,
    "5b01a97567ae9a3178a6236fb520251045c03eb8834bc8c24a4eec11d6c8fb56");
TWO(92cfc3b6, HYBRID, "ef3bcb9c", 84141271,
    "ef3bcb9c8b40d14ae5d51b6db2587339cc12c6b77c0be151ce6d69002e087bf2",
    AT_FT, 84025440,
    "a241863551f30d01c42bd7b97da40839922ead3acb0f1fcab25682f55b4eeb59");
TWO(04573f0d, HYBRID, "f3cf25b2", 84141271,
    "f3cf25b222c4eed7cd49dd8b2c9597d50c18bd154090f7b919cfa5f93cf22c49",
    AT_FT, 84025440,
    "68854b0d7c2b3274723b5761f6fd9f5aec5f1bcd3f0de7c1669546fdb7871b7c");
TWO(5c90dfd2, HYBRID, "34c22ccb", 54996327,
    "34c22ccb381c6f9fdbf324f04e1e2fe21aaaf293f5ded163a162697ff9a02ddd",
    AT_6S, 54885744,
    "d2a1745f0744721f6b8ca5bf469b67c651ea5ed1b52998cab033b2158609d411");
ONE(75fc33f5, HYBRID, "1941ce65", 167407275,
    "1941ce654b11df4132b9f4eae408556b4c83fad6fe26b4bc0dbcb36b975befb3");
ONE(0d19c1c6, FINAL, "0f06f20e", 178048329,
    "0f06f20ed6ddc8058fa72ccc4845f3a88916eff7d007b623924193de217bbcf4");
ONE(7ecf8ec1, FINAL, "70f50cc9", 178048329,
    "70f50cc947d08f32e6dd8e2b687d398fa5ef9e51d1bd7600e32205d1f44be6b9");
ONE(c511e2ab, FINAL, "fe698775", 167334095,
    "fe6987756a7087d339bf63b19bb481b12cea02d3bc0de7583df7597210209649");
ONE(7d865c68, FINAL, "3d5dd56b", 167918783,
    "3d5dd56b5bc986f136dff98655ded22b2b033f465ccec7a28640a6b15fd71ed6");
ONE(e51eebcc, FINAL, "c1b80bdd", 167399275,
    "c1b80bdd6de58274abf359e66822a76f49ce2b9f086fc5dc917ac14598e6bebf");
ONE(a1d90b5c, FINAL, "ae9d2452", 167391595,
    "ae9d245283bf24b552913ee233a1101dcd0aeaed59b1c0a2da0e1f6eda15101b");
ONE(5d2d6c55, FINAL, "db83574e", 167391595,
    "db83574e05b2308f76e2764819da673f2d16d437b9e619f5fcb72f275fc0e24f");
ONE(cfa93e08, FINAL, "61801ae1", 167399275,
    "61801ae1567d606c97a9c3469e943ae306d0a873eeb60d623ae7cfc7042b3f68");
ONE(6b9c2ca1, FINAL, "3fd82607", 59648321,
    "3fd82607b051e9f8ed0e86a30791023a3b589a427fb994c8bbfdff8c1903eeff");
ONE(b72baf4e, FINAL, "8778635e", 44368175,
    "8778635e98a9d4b34b3d132300597758f8f3f2978510eb20c202fd0d54a7bbf0");
ONE(42e558d4, FINAL, "196e0e1b", 58227087,
    "196e0e1bc5e83ea6ffbf0750b1abae1305b83de12ec98e5b50915a7139c52759");
ONE(305bc58f, FINAL, "18378783", 46847123,
    "18378783cf76d44213f7a0c87da872a35b976c31ac11c4b367438b4674a2f0fe");
ONE(83fc094f, FINAL, "4a16d450", 50756993,
    "4a16d450fd8c9277494e23865cadaa4a3e64141c45411d84243b8c95ea4b7cae");
ONE(464b36d7, FINAL, "e5a9386e", 38893153,
    "e5a9386ecbf6f30bb2bdc7ae162f471d87f3b5bffba1a8cb2cebe4403280967e");
ONE(14fc6a69, FINAL, "a89dd0ee", 38491885,
    "a89dd0eeb547221dcfd6c0a47baa768ce0bce548eaf86b9a404d6b1088b5d22f");
ONE(7fd6ef75, FINAL, "a905dd85", 39436529,
    "a905dd8548f7389f1a3686c24c09d7bee61b716e3372e778e2acec88333ecdf4");
ONE(9a6b4851, FINAL, "03af0aa6", 0,
    "03af0aa64af2c4f0795659c265fdead238fab31c064a8a4b5b051c1b22c8ad48");
ONE(1ef250f1, FINAL, "592467ce", 0,
    "592467cef0b0d878bc66fe38c8456353ff435334331baab08e1dc82beeefd596");
ONE(fa0cb7f9, FINAL, "100d8bf4", 0,
    "100d8bf4dc5e228edfd9bb7a2ec44ad9f44d8f0a845964d38ee8c11ea8ca1399");
ONE(902315c2, FINAL, "b39ce9c9", 0,
    "b39ce9c97b5603fbaee99ec59fe1d2db570c77a37356c9c85542d881517c3302");

static const char *const four[] = {"drums", "bass", "other", "vocals", NULL};
static const char *const six[] = {"drums",  "bass",   "other", "vocals",
                                  "guitar", "piano", NULL};
static const char *const ht[] = {"HTDemucs", NULL};
static const char *const hd[] = {"HDemucs", NULL};
static const char *const td[] = {"Demucs", NULL};
static const char *const both[] = {"Demucs", "HDemucs", NULL};

static const double specialists[] = {
    1, 0, 0, 0,
    0, 1, 0, 0,
    0, 0, 1, 0,
    0, 0, 0, 1,
};
static const double mdx_weights[] = {
    1, 1, 0, 0,
    0, 1, 0, 0,
    1, 0, 1, 1,
    1, 0, 1, 1,
};

static const dmx_registry_member *const htdemucs[] = {
    &m_955717e8};
static const dmx_registry_member *const htdemucs_ft[] = {
    &m_f7e0c4bc, &m_d12395a8, &m_92cfc3b6, &m_04573f0d};
static const dmx_registry_member *const htdemucs_6s[] = {
    &m_5c90dfd2};
static const dmx_registry_member *const hdemucs_mmi[] = {
    &m_75fc33f5};
static const dmx_registry_member *const mdx[] = {
    &m_0d19c1c6, &m_7ecf8ec1, &m_c511e2ab, &m_7d865c68};
static const dmx_registry_member *const mdx_extra[] = {
    &m_e51eebcc, &m_a1d90b5c, &m_5d2d6c55, &m_cfa93e08};
static const dmx_registry_member *const mdx_q[] = {
    &m_6b9c2ca1, &m_b72baf4e, &m_42e558d4, &m_305bc58f};
static const dmx_registry_member *const mdx_extra_q[] = {
    &m_83fc094f, &m_464b36d7, &m_14fc6a69, &m_7fd6ef75};
static const dmx_registry_member *const repro_mdx_a[] = {
    &m_9a6b4851, &m_1ef250f1, &m_fa0cb7f9, &m_902315c2};
static const dmx_registry_member *const repro_mdx_a_time_only[] = {
    &m_9a6b4851, &m_1ef250f1};
static const dmx_registry_member *const repro_mdx_a_hybrid_only[] = {
    &m_fa0cb7f9, &m_902315c2};

#define LICENCE                                                                \
    "weights provided by their author for research purposes; the MIT licence " \
    "of Demucs' code does not cover them"

static const dmx_registry_model released[] = {
    {"htdemucs", "Hybrid Transformer Demucs, the default", LICENCE,
     ht, four, htdemucs, 1, NULL, 0, false, NULL, NULL},
    {"htdemucs_ft", "its fine-tuned version, one model a source", LICENCE,
     ht, four, htdemucs_ft, 4, specialists, 0, false, NULL, NULL},
    {"htdemucs_6s", "six sources; the piano is experimental", LICENCE,
     ht, six, htdemucs_6s, 1, NULL, 0, false, NULL, NULL},
    {"hdemucs_mmi", "Hybrid Demucs v3, trained on more songs", LICENCE,
     hd, four, hdemucs_mmi, 1, NULL, 44, false, NULL, NULL},
    {"mdx", "winner of the MDX challenge, track A", LICENCE,
     both, four, mdx, 4, mdx_weights, 44, false, NULL, NULL},
    {"mdx_extra", "second in track B, extra training data", LICENCE,
     hd, four, mdx_extra, 4, NULL, 44, false, NULL, NULL},
    {"mdx_q", "mdx, quantized by DiffQ", LICENCE,
     both, four, mdx_q, 4, mdx_weights, 44, true, NULL, NULL},
    {"mdx_extra_q", "mdx_extra, quantized by DiffQ", LICENCE,
     hd, four, mdx_extra_q, 4, NULL, 44, true, NULL, NULL},
    {"repro_mdx_a", "reproduction of track A", LICENCE,
     both, four, repro_mdx_a, 4, NULL, 44, false, NULL, NULL},
    {"repro_mdx_a_time_only", "its two time-domain models", LICENCE,
     td, four, repro_mdx_a_time_only, 2, NULL, 44, false, NULL, NULL},
    {"repro_mdx_a_hybrid_only", "its two hybrid models", LICENCE,
     hd, four, repro_mdx_a_hybrid_only, 2, NULL, 44, false, NULL, NULL},
};
/* clang-format on */

const dmx_registry dmx_registry_released = {
    released, sizeof released / sizeof released[0], {0}};
