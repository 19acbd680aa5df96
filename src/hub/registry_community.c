/* Models of Demucs' architectures that others trained and published.
 *
 * Names, sources, segments, URLs, SHA-256 and licences are those stated by an
 * independent project that pins these files (openmirlab/demucs-infer 4.4). */
#include "hub/registry.h"

#define SITE "https://github.com/"

/* clang-format off */
#define MSST "ZFTurbo/Music-Source-Separation-Training/releases/download/"
#define CDX  "ZFTurbo/MVSEP-CDX23-Cinematic-Sound-Demixing/releases/download/v.1.0.0/"
#define UVR  "TRvlvr/model_repo/releases/download/all_public_uvr_models/"

#define MEMBER(id, path, sha256)                                               \
    static const dmx_registry_member m_##id = {                                \
        #id, {{SITE, path, sha256, 0}}, 1}

MEMBER(49469ca8, MSST "v1.0.5/model_drumsep.th",
       "aefaa8543c9b9c75e22f5f32b53ab86dfe416457849af1383ff1aef83401423f");
MEMBER(cdx23_dnr_a, CDX "97d170e1-a778de4a.th",
       "a778de4a72b90482a578bfb6ea6bf41462785d9136c11802c67a864a40f29434");
MEMBER(cdx23_dnr_b, CDX "97d170e1-dbb4db15.th",
       "dbb4db154df7e45a5cb72d1659c48937e757f6d6b0eef8ca4199e6e38f8d8f37");
MEMBER(cdx23_dnr_c, CDX "97d170e1-e41a5468.th",
       "e41a54684d3cd6794ee2bb59183ffeb11a9a3d42db873a6a08a9829ac3ef4cfe");
MEMBER(ebf34a2d, UVR "ebf34a2d.th",
       "0556f2145e97e96d3c2a33c3879711e7559d7d261fd9773b20e2c580a3beffd0");
MEMBER(ebf34a2db, UVR "ebf34a2db.th",
       "dbdd521017d706829716055df8a86e7ee5d05a590508488c82ffb551c6edb918");

MEMBER(msst_htdemucs_vocals_state, MSST "v1.0.0/model_vocals_htdemucs_sdr_8.78.ckpt",
       "0ea6e9495685045e6b4e66174131be5d19808bb0d6d1a1ba717d238f9380e8d0");
MEMBER(msst_htdemucs_vocals_config, MSST "v1.0.0/config_vocals_htdemucs.yaml",
       "3e74bc81f35f198297b82e1a16a7736375af4290db54afa048126591b220b29c");

static const char *const kit[] = {"bombo", "redoblante", "platillos", "toms",
                                  NULL};
static const char *const film[] = {"music", "sfx", "speech", NULL};
static const char *const two[] = {"vocals", "non_vocals", NULL};
static const char *const voice[] = {"vocals", "other", NULL};
static const dmx_stem_alias english[] = {
    {"kick", "bombo"}, {"snare", "redoblante"}, {"cymbals", "platillos"},
    {NULL, NULL}};
static const char *const ht[] = {"HTDemucs", NULL};
static const char *const hd[] = {"HDemucs", NULL};

static const dmx_registry_member *const drumsep[] = {&m_49469ca8};
static const dmx_registry_member *const uvr_1[] = {&m_ebf34a2db};
static const dmx_registry_member *const uvr_2[] = {&m_ebf34a2d};
static const dmx_registry_member *const uvr_bag[] = {&m_ebf34a2d, &m_ebf34a2db};
static const dmx_registry_member *const cdx23_dnr[] = {
    &m_cdx23_dnr_a, &m_cdx23_dnr_b, &m_cdx23_dnr_c};
static const dmx_registry_member *const msst[] = {&m_msst_htdemucs_vocals_state};

#define UNKNOWN "not stated"

static const dmx_registry_model community[] = {
    {"drumsep", "drums into kick, snare, cymbals, toms", "MIT (inagoy/drumsep)",
     hd, kit, drumsep, 1, NULL, 0, false, english, NULL},
    {"uvr_demucs_model_1", "vocals and the rest", UNKNOWN,
     hd, two, uvr_1, 1, NULL, 44, false, NULL, NULL},
    {"uvr_demucs_model_2", "vocals and the rest", UNKNOWN,
     hd, two, uvr_2, 1, NULL, 44, false, NULL, NULL},
    {"uvr_demucs_model_bag", "mean of the two before", UNKNOWN,
     hd, two, uvr_bag, 2, NULL, 44, false, NULL, NULL},
    {"cdx23_dnr", "film sound: music, effects, speech; mean of three", UNKNOWN,
     ht, film, cdx23_dnr, 3, NULL, 217.0 / 25, false, NULL, NULL},
    {"msst_htdemucs_vocals", "vocals and the rest; bare weights and a config",
     "MIT", ht, voice, msst, 1, NULL, 11, false, NULL,
     &m_msst_htdemucs_vocals_config},
};
/* clang-format on */

const dmx_registry dmx_registry_community = {
    community, sizeof community / sizeof community[0], {0}};
