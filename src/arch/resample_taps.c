/* The filters of julius.resample_frac (zeros 24, rolloff 0.945) for the ratios
 * 2 and 1/2, which Demucs uses: windowed sinc functions, each phase divided by
 * its sum. These are the values that PyTorch 1.13 computes, in float32: the
 * formula in float64 would change a network's output by as much as all its
 * rounding errors. tests/unit/test_resample_taps.c compares them with the
 * formula. */
#include "arch/resample_taps.h"

/* clang-format off */
static const float up[2][53] = {{
    0x1.618402p-78F, -0x1.db6ec2p-18F, 0x1.5db15p-14F, -0x1.d44f02p-13F,
    0x1.946e32p-12F, -0x1.0c4a22p-11F, 0x1.14c77ep-11F, -0x1.6fa4c4p-12F,
    -0x1.c68c56p-14F, 0x1.ea5da8p-11F, -0x1.21577ep-9F, 0x1.0545d2p-8F,
    -0x1.9db4a2p-8F, 0x1.2d6756p-7F, -0x1.9db318p-7F, 0x1.0f0b04p-6F,
    -0x1.55ed16p-6F, 0x1.a1a6e8p-6F, -0x1.eff444p-6F, 0x1.1f1fd6p-5F,
    -0x1.44e116p-5F, 0x1.67d46ap-5F, -0x1.869cc8p-5F, 0x1.9ffd32p-5F,
    -0x1.b2eac8p-5F, 0x1.be9a8p-5F, 0x1.e3d5a8p-1F, 0x1.be9a8p-5F,
    -0x1.b2eac8p-5F, 0x1.9ffd32p-5F, -0x1.869cc8p-5F, 0x1.67d46ap-5F,
    -0x1.44e116p-5F, 0x1.1f1fd6p-5F, -0x1.eff444p-6F, 0x1.a1a6e8p-6F,
    -0x1.55ed16p-6F, 0x1.0f0b04p-6F, -0x1.9db318p-7F, 0x1.2d6756p-7F,
    -0x1.9db4a2p-8F, 0x1.0545d2p-8F, -0x1.21577ep-9F, 0x1.ea5da8p-11F,
    -0x1.c68c56p-14F, -0x1.6fa4c4p-12F, 0x1.14c77ep-11F, -0x1.0c4a22p-11F,
    0x1.946e32p-12F, -0x1.d44f02p-13F, 0x1.5db15p-14F, -0x1.db6ec2p-18F,
    0x1.618402p-78F,
}, {
    0x1.6184b4p-78F, 0x1.6184b4p-78F, -0x1.34d6bap-16F, 0x1.d838b6p-14F,
    -0x1.59f628p-12F, 0x1.7385ap-11F, -0x1.4d6f6ep-10F, 0x1.092d2cp-9F,
    -0x1.817be4p-9F, 0x1.04a412p-8F, -0x1.4b36dp-8F, 0x1.8d7f8ep-8F,
    -0x1.c2baf4p-8F, 0x1.e081aep-8F, -0x1.daf55p-8F, 0x1.a4e6b4p-8F,
    -0x1.2fccdep-8F, 0x1.adb508p-10F, 0x1.764bc2p-9F, -0x1.2dedb6p-7F,
    0x1.26228ep-6F, -0x1.e9ee3p-6F, 0x1.7dc6c8p-5F, -0x1.244e5cp-4F,
    0x1.ce60eap-4F, -0x1.a07a06p-3F, 0x1.446c0cp-1F, 0x1.446c0cp-1F,
    -0x1.a07a06p-3F, 0x1.ce60eap-4F, -0x1.244e5cp-4F, 0x1.7dc6c8p-5F,
    -0x1.e9ee3p-6F, 0x1.26228ep-6F, -0x1.2dedb6p-7F, 0x1.764bc2p-9F,
    0x1.adb508p-10F, -0x1.2fccdep-8F, 0x1.a4e6b4p-8F, -0x1.daf55p-8F,
    0x1.e081aep-8F, -0x1.c2baf4p-8F, 0x1.8d7f8ep-8F, -0x1.4b36dp-8F,
    0x1.04a412p-8F, -0x1.817be4p-9F, 0x1.092d2cp-9F, -0x1.4d6f6ep-10F,
    0x1.7385ap-11F, -0x1.59f628p-12F, 0x1.d838b6p-14F, -0x1.34d6bap-16F,
    0x1.6184b4p-78F,
}};

static const float down[1][104] = {{
    0x1.61845ap-79F, -0x1.db6f3ap-19F, -0x1.34d66cp-17F, 0x1.5db1a6p-15F,
    0x1.d8383ep-15F, -0x1.d44f78p-14F, -0x1.59f5d2p-13F, 0x1.946e98p-13F,
    0x1.738544p-12F, -0x1.0c4a66p-12F, -0x1.4d6f1ap-11F, 0x1.14c7c4p-12F,
    0x1.092ceap-10F, -0x1.6fa52p-13F, -0x1.817b84p-10F, -0x1.c68cc8p-15F,
    0x1.04a3dp-9F, 0x1.ea5e22p-12F, -0x1.4b367cp-9F, -0x1.2157c6p-10F,
    0x1.8d7f2ap-9F, 0x1.054614p-9F, -0x1.c2ba82p-9F, -0x1.9db50ap-9F,
    0x1.e08136p-9F, 0x1.2d67ap-8F, -0x1.daf4d8p-9F, -0x1.9db38p-8F,
    0x1.a4e64ap-9F, 0x1.0f0b48p-7F, -0x1.2fcc92p-9F, -0x1.55ed6cp-7F,
    0x1.adb49cp-11F, 0x1.a1a75p-7F, 0x1.764b64p-10F, -0x1.eff4cp-7F,
    -0x1.2ded6ap-8F, 0x1.1f201ep-6F, 0x1.262244p-7F, -0x1.44e166p-6F,
    -0x1.e9edb6p-7F, 0x1.67d4c4p-6F, 0x1.7dc668p-6F, -0x1.869d2ap-6F,
    -0x1.244e12p-5F, 0x1.9ffd9ap-6F, 0x1.ce6076p-5F, -0x1.b2eb36p-6F,
    -0x1.a0799ep-4F, 0x1.be9afp-6F, 0x1.446bbap-2F, 0x1.e3d622p-2F,
    0x1.446bbap-2F, 0x1.be9afp-6F, -0x1.a0799ep-4F, -0x1.b2eb36p-6F,
    0x1.ce6076p-5F, 0x1.9ffd9ap-6F, -0x1.244e12p-5F, -0x1.869d2ap-6F,
    0x1.7dc668p-6F, 0x1.67d4c4p-6F, -0x1.e9edb6p-7F, -0x1.44e166p-6F,
    0x1.262244p-7F, 0x1.1f201ep-6F, -0x1.2ded6ap-8F, -0x1.eff4cp-7F,
    0x1.764b64p-10F, 0x1.a1a75p-7F, 0x1.adb49cp-11F, -0x1.55ed6cp-7F,
    -0x1.2fcc92p-9F, 0x1.0f0b48p-7F, 0x1.a4e64ap-9F, -0x1.9db38p-8F,
    -0x1.daf4d8p-9F, 0x1.2d67ap-8F, 0x1.e08136p-9F, -0x1.9db50ap-9F,
    -0x1.c2ba82p-9F, 0x1.054614p-9F, 0x1.8d7f2ap-9F, -0x1.2157c6p-10F,
    -0x1.4b367cp-9F, 0x1.ea5e22p-12F, 0x1.04a3dp-9F, -0x1.c68cc8p-15F,
    -0x1.817b84p-10F, -0x1.6fa52p-13F, 0x1.092ceap-10F, 0x1.14c7c4p-12F,
    -0x1.4d6f1ap-11F, -0x1.0c4a66p-12F, 0x1.738544p-12F, 0x1.946e98p-13F,
    -0x1.59f5d2p-13F, -0x1.d44f78p-14F, 0x1.d8383ep-15F, 0x1.5db1a6p-15F,
    -0x1.34d66cp-17F, -0x1.db6f3ap-19F, 0x1.61845ap-79F, 0x1.61845ap-79F,
}};
/* clang-format on */

const dmx_tensor dmx_resample_up = {
    .name = "upsample",
    .data = up,
    .dtype = DMX_F32,
    .rank = 2,
    .dim = {2, 53},
    .stride = {53, 1},
};

const dmx_tensor dmx_resample_down = {
    .name = "downsample",
    .data = down,
    .dtype = DMX_F32,
    .rank = 2,
    .dim = {1, 104},
    .stride = {104, 1},
};
